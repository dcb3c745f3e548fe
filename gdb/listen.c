// SPDX-License-Identifier: MIT
//
// Where the GDB server listens: tcp::PORT, tcp:HOST:PORT, unix:PATH (or unix:path=PATH). The options
// of a character device that scripts add (",server=on,wait=off") say what is the case anyway.
//
// Whoever connects controls the machine. Therefore tcp::PORT is open to this computer only.
#include "gdb/internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool check_options(const char *text, const char *where, Error **err)
{
    static const char *const known[] = { "server", "server=on", "nowait", "wait=off", "wait=no",
                                         "nodelay", "nodelay=on" };
    while (*text == ',') {
        size_t len = strcspn(++text, ",");
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found |= strlen(known[i]) == len && !memcmp(known[i], text, len);
        if (!found)
            return error_set(err, "-gdb %s: unknown option '%.*s'; leave it out", where, (int)len,
                             text);
        text += len;
    }
    return true;
}

static bool listen_tcp(GdbListener *l, char *address, const char *where, Error **err)
{
    char *port = strrchr(address, ':');
    if (!port || !port[1])
        return error_set(err, "-gdb %s names no port; write tcp::1234 or tcp:HOST:1234", where);
    *port++ = '\0';
    char *end;
    if (strtoul(port, &end, 10) > UINT16_MAX || *end)
        return error_set(err, "-gdb %s: '%s' is no port; write a number up to 65535", where, port);
    size_t len = strlen(address);
    if (*address == '[' && address[len - 1] == ']') { /* IPv6 */
        address[len - 1] = '\0';
        address++;
    }
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found;
    int r = getaddrinfo(*address ? address : "127.0.0.1", port, &hints, &found);
    if (r)
        return error_set(err, "-gdb %s: %s; write tcp::PORT or tcp:HOST:PORT", where,
                         gai_strerror(r));
    int one = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
              !bind(fd, found->ai_addr, found->ai_addrlen) && !listen(fd, 1);
    if (!ok) {
        error_set_errno(err, errno, "cannot listen at -gdb %s; choose another port", where);
        if (fd >= 0)
            close(fd);
    }
    freeaddrinfo(found);
    l->fd = ok ? fd : -1;
    return ok;
}

/* Another kind of file of that name is somebody's data. */
static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A socket file that nobody listens on is left over and is replaced. */
static bool unix_in_use(const struct sockaddr_un *addr)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool in_use = !connect(probe, (const struct sockaddr *)addr, sizeof(*addr));
    if (!in_use && errno == ECONNREFUSED && is_socket(addr->sun_path))
        unlink(addr->sun_path);
    close(probe);
    return in_use;
}

static bool listen_unix(GdbListener *l, const char *path, Error **err)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (!*path || strlen(path) >= sizeof(addr.sun_path))
        return error_set(err, "-gdb unix:%s: the path must have 1 to %zu bytes", path,
                         sizeof(addr.sun_path) - 1);
    strcpy(addr.sun_path, path);
    bool in_use = unix_in_use(&addr);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    l->unix_path = strdup(path);
    if (in_use || fd < 0 || !l->unix_path ||
        bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1)) {
        error_set(err, "cannot listen at -gdb unix:%s: %s; choose another path", path,
                  in_use ? "it is in use" : strerror(errno));
        if (fd >= 0)
            close(fd);
        free(l->unix_path);
        l->unix_path = NULL;
        return false;
    }
    l->fd = fd;
    return true;
}

bool gdb_listen(GdbListener *l, const char *where, Error **err)
{
    size_t len = strcspn(where, ",");
    *l = (GdbListener){ .fd = -1 };
    if (!check_options(where + len, where, err))
        return false;
    char *address = strndup(where, len);
    bool ok;
    if (!address)
        ok = error_set(err, "out of memory for -gdb %s", where);
    else if (!strncmp(address, "tcp:", 4))
        ok = listen_tcp(l, address + 4, where, err);
    else if (!strncmp(address, "unix:", 5))
        ok = listen_unix(l, address + (strncmp(address, "unix:path=", 10) ? 5 : 10), err);
    else
        ok = error_set(err, "-gdb %s is no place to listen; write tcp::PORT, tcp:HOST:PORT or "
                       "unix:PATH", where);
    free(address);
    return ok;
}

void gdb_unlisten(GdbListener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->unix_path)
        unlink(l->unix_path);
    free(l->unix_path);
    *l = (GdbListener){ .fd = -1 };
}
