# SPDX-License-Identifier: MIT
"""The kernel's own tests: ciphers and hashes by the processor's instructions, the BPF compiler,
accesses to user memory, static keys, RAID arithmetic."""

import os
import re

from common import HERE, BootTest, get_initramfs, get_kernel

CRYPTO = ['aes_ce_blk', 'aes_ce_ccm', 'aes_ce_cipher', 'aes_neon_blk', 'aes_neon_bs', 'chacha_neon',
          'crct10dif_ce', 'ghash_ce', 'nhpoly1305_neon', 'poly1305_neon', 'polyval_ce', 'sha1_ce',
          'sha2_ce', 'sha256_arm64', 'sha3_ce', 'sha512_arm64', 'sha512_ce']
OTHERS = ['test_static_keys', 'test_user_copy', 'raid6_pq', 'xor', 'test_bpf']
FASTEST = ['aes-ce', 'gcm-aes-ce', 'sha1-ce', 'sha256-ce', 'sha3-256-ce', 'sha512-ce', 'polyval-ce',
           'crct10dif-arm64-ce', 'xts-aes-ce', 'ccm-aes-ce', 'chacha20-neon']


class SelfTests(BootTest):
    """A module that does not load, or a driver that fails its vectors, is a fault of ours."""

    def test_crypto_and_bpf(self):
        script = os.path.join(HERE, 'guests', 'selftests.sh')
        text = self.run_script(
            'selftests', 'dragoman.net=off log_buf_len=16M', kernel=get_kernel('generic').image,
            initramfs=get_initramfs('generic', additions=[f'{script}:/etc/run/selftests'],
                                    modules=CRYPTO + OTHERS), seconds=300)
        for driver in FASTEST:
            self.assertIn(f'selftest {driver} passed', text)
        self.assertEqual(re.findall('^selftest .*(?<! passed)$', text, re.M), [])
        self.assertNotIn('alg: ', text)
        summaries = re.findall(r'Summary: (\d+) PASSED, (\d+) FAILED', text)
        self.assertEqual([failed for _, failed in summaries], ['0'] * 3, text)
        self.assertIn('test_user_copy: tests passed', text)
