// SPDX-License-Identifier: MIT
// A guest that writes CNTFRQ_EL0, which changes what it reads there and nothing else (Arm ARM
// D12.1.2).
#include <stdint.h>

#define MRS(reg) ({ uint64_t v_; __asm__ volatile("isb\n mrs %0, " #reg : "=r"(v_)); v_; })
#define MSR(reg, v) __asm__ volatile("msr " #reg ", %0\n isb" : : "r"((uint64_t)(v)) : "memory")

volatile uint64_t exceptions;

static void print(char c)
{
    *(volatile uint32_t *)0x09000000u = (uint8_t)c;
}

/* GICv2 (Arm IHI 0048): the virtual timer's interrupt wakes the processor. */
static void enable_timer_interrupt(void)
{
    *(volatile uint32_t *)0x08000000 = 1;       /* GICD_CTLR */
    *(volatile uint32_t *)0x08000100 = 1 << 27; /* GICD_ISENABLER0 */
    *(volatile uint32_t *)0x08010004 = 0xff;    /* GICC_PMR */
    *(volatile uint32_t *)0x08010000 = 1;       /* GICC_CTLR */
}

void guest_main(void)
{
    const uint64_t hz = MRS(cntfrq_el0), wanted[] = { 0, 1, UINT32_MAX };
    enable_timer_interrupt();
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        uint64_t before = MRS(cntvct_el0);
        MSR(cntfrq_el0, wanted[i]);
        print(MRS(cntfrq_el0) == wanted[i] ? '=' : '!');
        print(MRS(cntvct_el0) - before < hz ? '<' : '!');
        MSR(cntv_tval_el0, hz / 1000);
        MSR(cntv_ctl_el0, 1);
        __asm__ volatile("wfi");
        print(MRS(cntv_ctl_el0) == 5 ? 'T' : '!');
        MSR(cntv_ctl_el0, 0);
        MSR(cntkctl_el1, 8 << 4 | 1 << 2);
        __asm__ volatile("sevl\n wfe\n wfe");
        MSR(cntkctl_el1, 0);
    }
    print(exceptions ? '!' : '.');
}
