/* A machine that can be told to misbehave, for LD_PRELOAD.
 *
 * MACHINE_CLOCK=FILE: the wall clock is off by the seconds that FILE holds, from the moment it exists.
 * MACHINE_DISK=FOLDER, MACHINE_WATCHED=FOLDER2: FOLDER holds what a power cut would leave of the files in FOLDER2:
 * each as it was when it was last synced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset(void) {
    const char *file = getenv("MACHINE_CLOCK");
    char text[32];
    int descriptor = file ? open(file, O_RDONLY) : -1;
    if (descriptor < 0) return 0;
    ssize_t length = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    text[length > 0 ? length : 0] = 0;
    return atoll(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += offset();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(now, zone);
    now->tv_sec += offset();
    return result;
}

time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}

static void keep(int descriptor) {
    const char *disk = getenv("MACHINE_DISK"), *watched = getenv("MACHINE_WATCHED");
    char link[64], path[PATH_MAX], copy[PATH_MAX], partial[PATH_MAX], buffer[65536];
    if (!disk || !watched) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, watched, strlen(watched))) return;
    const char *name = strrchr(path, '/') + 1;
    if (snprintf(copy, sizeof copy, "%s/%s", disk, name) >= PATH_MAX) return;
    if (snprintf(partial, sizeof partial, "%s.partial", copy) >= PATH_MAX) return;
    int from = open(path, O_RDONLY), to = open(partial, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (ssize_t n; from >= 0 && to >= 0 && (n = read(from, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, n) != n) break;
    close(from);
    close(to);
    rename(partial, copy);
}

int fsync(int descriptor) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    int result = real(descriptor);
    if (result == 0) keep(descriptor);
    return result;
}

int fdatasync(int descriptor) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    int result = real(descriptor);
    if (result == 0) keep(descriptor);
    return result;
}
