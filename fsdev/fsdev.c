// SPDX-License-Identifier: MIT
//
// -fsdev: opening a folder of the host for guests; contract in fsdev.h. And what all of its trees
// share: numbers for its files, and the way from an O_PATH descriptor to an open file.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "fsdev/internal.h"
#include "util/bitops.h"
#include "util/keyval.h"

const char *const fsdev_parameters[] = {
    "driver", "id", "path", "security_model", "readonly", "writeout", "fmode", "dmode",
    "multidevs", NULL
};

/* ---- descriptors ------------------------------------------------------------------------ */

#define FILES_WANTED 65536u /* that this process may have open */

int fs_reopen(const FsDev *d, int fd, int flags, int *out)
{
    struct stat st;
    char name[16];
    if (fstat(fd, &st) < 0)
        return errno;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return S_ISLNK(st.st_mode) ? ELOOP : ENXIO;
    snprintf(name, sizeof(name), "%d", fd);
    *out = openat(d->proc_fd, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return *out < 0 ? errno : 0;
}

/* A guest's open files are ours: as many as the host lets us have without asking. */
static unsigned choose_fd_max(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return 64;
    if (r.rlim_cur < FILES_WANTED && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = MIN((rlim_t)FILES_WANTED, r.rlim_max);
        if (setrlimit(RLIMIT_NOFILE, &r) < 0)
            getrlimit(RLIMIT_NOFILE, &r);
    }
    return (unsigned)MAX(MIN(r.rlim_cur, FILES_WANTED) / 8, 32);
}

/* ---- file systems below the folder ------------------------------------------------------- */

static unsigned device_number_locked(FsDev *d, dev_t dev)
{
    for (unsigned i = 0; i < d->device_count; i++)
        if (d->devices[i] == dev)
            return i + 1;
    if (d->device_count == FS_DEVICES_MAX)
        return FS_DEVICES_MAX;
    d->devices[d->device_count++] = dev;
    return d->device_count;
}

/* Inode numbers are small in practice: the file system's number goes above them. */
uint64_t fs_unique(FsDev *d, dev_t dev, ino_t ino)
{
    if (dev == d->root_dev || d->multidevs == FS_WARN)
        return ino;
    pthread_mutex_lock(&d->lock);
    uint64_t number = device_number_locked(d, dev);
    pthread_mutex_unlock(&d->lock);
    return ino ^ number << 56;
}

int fs_check_device(FsDev *d, dev_t dev)
{
    if (dev == d->root_dev || d->multidevs == FS_REMAP)
        return 0;
    if (d->multidevs == FS_FORBID)
        return ENODEV;
    pthread_mutex_lock(&d->lock);
    if (!d->warned)
        fprintf(stderr, "dragoman: warning: other file systems are mounted below '%s'; files of "
                "the guest may have the same inode number (multidevs=remap avoids it)\n", d->path);
    d->warned = true;
    pthread_mutex_unlock(&d->lock);
    return 0;
}

/* ---- options ---------------------------------------------------------------------------- */

/* name NULL: there is none. */
static bool model_error(const char *option, const char *name, Error **err)
{
    char list[128] = "";
    for (const FsModel *m = fs_models; m->name; m++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", *list ? ", " : "",
                 m->name);
    return name ? error_set(err, "%s security_model=%s is unknown; choose from: %s", option, name,
                            list)
                : error_set(err, "%s needs a security_model=; choose from: %s", option, list);
}

static bool take_model(FsDev *d, Keyval *kv, const char *option, Error **err)
{
    const char *name = keyval_take(kv, "security_model");
    if (name && !strcmp(name, "mapped"))
        name = "mapped-xattr";
    for (const FsModel *m = fs_models; name && m->name; m++)
        if (!strcmp(m->name, name))
            d->model = m;
    return d->model || model_error(option, name, err);
}

/* Permission bits, octal. */
static bool take_mode(const FsDev *d, Keyval *kv, const char *option, const char *key, mode_t *mode,
                      Error **err)
{
    const char *text = keyval_take(kv, key);
    if (!text)
        return true;
    char *end;
    unsigned long v = strtoul(text, &end, 8);
    if (end == text || *end || v > 0777)
        return error_set(err, "%s %s=%s is no mode; write it as in %s=0644", option, key, text,
                         key);
    if (!fs_is_mapped(d))
        return error_set(err, "%s %s= is for mapped security models only; leave it out", option,
                         key);
    *mode = (mode_t)v;
    return true;
}

/* One of the words, by its index. */
static bool take_word(Keyval *kv, const char *option, const char *key, const char *const words[3],
                      unsigned *index, Error **err)
{
    const char *value = keyval_take(kv, key);
    if (!value)
        return true;
    for (unsigned i = 0; i < 3 && words[i]; i++) {
        if (!strcmp(words[i], value)) {
            *index = i;
            return true;
        }
    }
    return error_set(err, "%s %s=%s is unknown; choose from: %s%s%s%s%s", option, key, value,
                     words[0], words[1] ? ", " : "", words[1] ? words[1] : "",
                     words[2] ? ", " : "", words[2] ? words[2] : "");
}

static bool check_driver(Keyval *kv, const char *option, Error **err)
{
    const char *driver = keyval_take(kv, "driver");
    if (!driver)
        return error_set(err, "%s needs a driver first, as in '%s local,path=FOLDER'", option,
                         option);
    return !strcmp(driver, "local") ||
           error_set(err, "%s %s is not supported; use %s local", option, driver, option);
}

static bool take_options(FsDev *d, Keyval *kv, const char *option, const char *id, Error **err)
{
    static const char *const multidevs[3] = { [FS_REMAP] = "remap", [FS_FORBID] = "forbid",
                                              [FS_WARN] = "warn" };
    static const char *const writeout[3] = { "immediate" };
    unsigned devs = FS_REMAP, out = 1;
    if (!check_driver(kv, option, err))
        return false;
    const char *path = keyval_take(kv, "path"), *given = keyval_take(kv, "id");
    if (!path || !*path)
        return error_set(err, "%s names no folder; write path=FOLDER", option);
    if (!given && !id)
        return error_set(err, "%s needs an id=, by which a device can name it", option);
    d->path = strdup(path);
    d->id = strdup(given ? given : id);
    if (!d->path || !d->id)
        return error_set(err, "out of memory for %s", option);
    if (!take_model(d, kv, option, err) ||
        !keyval_take_bool(kv, "readonly", &d->read_only, err) ||
        !take_mode(d, kv, option, "fmode", &d->file_mode, err) ||
        !take_mode(d, kv, option, "dmode", &d->dir_mode, err) ||
        !take_word(kv, option, "multidevs", multidevs, &devs, err) ||
        !take_word(kv, option, "writeout", writeout, &out, err))
        return false;
    d->multidevs = devs;
    d->write_out = out == 0;
    return keyval_check_used(kv, option, fsdev_parameters, err);
}

/* ---- opening ---------------------------------------------------------------------------- */

static bool check_openat2(const FsDev *d, Error **err)
{
    const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH };
    int fd = (int)syscall(SYS_openat2, d->root_fd, ".", &how, sizeof(how));
    if (fd < 0)
        return error_set_errno(err, errno, "sharing folder '%s' needs a host kernel that lets "
                               "openat2() through, Linux 5.6 or newer", d->path);
    close(fd);
    return true;
}

static bool open_root(FsDev *d, Error **err)
{
    struct stat st;
    d->root_fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (d->root_fd < 0 && errno == ENOTDIR)
        return error_set(err, "'%s' is no folder that could be shared; give path= of a folder",
                         d->path);
    if (d->root_fd < 0 || fstat(d->root_fd, &st) < 0)
        return error_set_errno(err, errno, "cannot share folder '%s'", d->path);
    if (faccessat(d->root_fd, ".", d->read_only ? R_OK | X_OK : R_OK | W_OK | X_OK,
                  AT_EACCESS) < 0)
        return error_set_errno(err, errno, "cannot share folder '%s'%s", d->path,
                               d->read_only ? "" : ", use readonly=on or change who may write it");
    d->root_dev = st.st_dev;
    d->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (d->proc_fd < 0)
        return error_set_errno(err, errno, "sharing folder '%s' needs /proc, mount it", d->path);
    return check_openat2(d, err);
}

FsDev *fsdev_open(Keyval *kv, const char *option, const char *id, Error **err)
{
    FsDev *d = calloc(1, sizeof(*d));
    if (!d) {
        error_set(err, "out of memory for %s", option);
        return NULL;
    }
    d->root_fd = d->proc_fd = -1;
    d->file_mode = 0600;
    d->dir_mode = 0700;
    pthread_mutex_init(&d->lock, NULL);
    if (take_options(d, kv, option, id, err) && open_root(d, err)) {
        d->fd_max = choose_fd_max();
        return d;
    }
    fsdev_close(d);
    return NULL;
}

void fsdev_close(FsDev *d)
{
    if (!d)
        return;
    if (d->root_fd >= 0)
        close(d->root_fd);
    if (d->proc_fd >= 0)
        close(d->proc_fd);
    pthread_mutex_destroy(&d->lock);
    free(d->path);
    free(d->id);
    free(d);
}

const char *fsdev_id(const FsDev *d)
{
    return d->id;
}

bool fsdev_read_only(const FsDev *d)
{
    return d->read_only;
}

void fsdev_print_help(FILE *out)
{
    fprintf(out, "Drivers:\n  local - a folder of this host\nParameters:\n");
    for (const char *const *p = fsdev_parameters; *p; p++)
        fprintf(out, "  %s=\n", *p);
    fprintf(out, "Security models:\n");
    for (const FsModel *m = fs_models; m->name; m++)
        fprintf(out, "  %s - %s\n", m->name, m->help);
}
