// SPDX-License-Identifier: MIT
//
// Stands for net/ until it exists: a machine without networks.
#include "net/net.h"

const char *net_id(const NetBackend *n)
{
    return NULL;
}

void net_close(NetBackend *n)
{
}
