// SPDX-License-Identifier: MIT
//
// The virtio balloon: memory that the guest lends to the host.
#ifndef HW_VIRTIO_VIRTIO_BALLOON_H
#define HW_VIRTIO_VIRTIO_BALLOON_H

#include <stdio.h>
#include "hw/virtio/virtio.h"
#include "softmmu/clock.h"

#define BALLOON_STATS 10 /* kinds of statistics, section 5.5.6.4 */

typedef struct VirtioBalloon {
    VirtioDevice v;
    /* properties */
    bool deflate_on_oom, free_page_reporting, page_poison;
    uint32_t polling_seconds; /* of the statistics; 0: never */

    VirtChain inflate, deflate, report[2]; /* each guarded by its queue's lock */
    /* guarded by the lock of the queue of statistics */
    VirtChain stats;
    bool stats_held; /* the driver's buffer is here; giving it back asks for new values */
    bool stats_known[BALLOON_STATS];
    uint64_t stats_value[BALLOON_STATS];
    Timer poll;
} VirtioBalloon;

extern const DeviceType virtio_balloon_type;

/* Ask the guest to keep `bytes` of its memory and to lend the rest. Cut to what there is. */
void virtio_balloon_set_target(VirtioBalloon *b, uint64_t bytes);
/* The text of `info balloon`. */
void virtio_balloon_print(VirtioBalloon *b, FILE *out);

#endif
