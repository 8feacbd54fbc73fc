/*
 * Preloaded into a process, this makes its wall clock wrong. WALL_CLOCK_OFFSETS holds up to eight numbers of seconds, separated by
 * commas. The offset changes to the next number every three seconds, and after the last one begins again with the first.
 * The monotonic clock stays right, as it does when somebody sets the clock of a machine.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offsets[8];
static int count;

__attribute__((constructor)) static void read_offsets(void) {
    const char *text = getenv("WALL_CLOCK_OFFSETS");
    while (text != NULL && *text != '\0' && count < 8) {
        char *end;
        offsets[count++] = strtol(text, &end, 10);
        text = *end == ',' ? end + 1 : NULL;
    }
}

static time_t offset(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return count == 0 ? 0 : offsets[now.tv_sec / 3 % count];
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int) syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += offset();
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void) zone;
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL) {
        *result = now.tv_sec;
    }
    return now.tv_sec;
}
