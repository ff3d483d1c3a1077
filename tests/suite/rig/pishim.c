/* pishim: an LD_PRELOAD library that simulates a Raspberry Pi's SPI and GPIO for an unmodified, dynamically linked program.
 *
 * $PISHIM_DIR/root/...   files that replace the real ones under /dev, /proc, /sys, /boot and /etc/talklight
 *     /dev/spidev0.0 /dev/gpiochip0 /dev/gpiomem (4 KiB, plain shared memory): character devices to stat and readdir, with the
 *     groups spi and gpio; without permission bits nobody may open them, not even root
 *     /proc/cpuinfo /sys/firmware/devicetree/base/{compatible,model}
 * $PISHIM_DIR/ctl        FIFO with one command a line; waiting commands are obeyed before the first node is opened
 *     gpio 17 0|1|z            drives a line, or leaves it open
 *     bounce 17 0 300 500      drives it low now, high 300 us later, low again 500 us after that
 *     hum 17 900               toggles it every 900 us, until its next command
 *     gpiolag 17 1000          its edges are delivered 1000 us late, with their real times
 *     gpiolose 17 1 2          delivers one more edge and loses the next two, as if the program did not read for too long
 *     gpiobusy 17 1            another program has the line; 0: it is free
 *     gpiogone 1               every open chip and line reports a hang-up from now on
 *     spierr 5                 every write fails with this errno; 0: off
 *     spifail 30               30 percent of the writes fail with EIO, chosen by PISHIM_SEED
 *     spihang 1                writes block; 0: they continue
 *     spistall 500             the next write blocks for 500 ms, once
 *     spislow 2 40             2 percent of the writes block for 40 ms, chosen by PISHIM_SEED
 *     spigone 1                every open spidev fails with ESHUTDOWN from now on; a new open is a new device
 *     wall -3600               the wall clock is an hour behind the real one
 *     noclock screen           the next reading of a clock in the thread of this name fails, once
 *     sync 7                   logs "K t 7" after all earlier commands
 * $PISHIM_DIR/log        one line per event, CLOCK_MONOTONIC ns:
 *     S t0 t1 hz_asked hz_eff mode dma hex       one SPI segment on MOSI (t0 start, t1 end of the wire time)
 *     F t errno bytes                            a failed transfer
 *     P t open path fd     C ... config ioctl    T t pid    the control FIFO is being read
 *     G t line level   the outside world drove a line     X t ...   a fault was set
 *     L t line flags debounce_us fd      line requested   V t line level      its level was read
 *     E t line id seq stamp [DROPPED]   edge delivered; DROPPED: the oldest was lost     W t clock   the wall clock was read
 * Environment: PISHIM_LABEL (pinctrl-bcm2711) PISHIM_CORE_HZ (500000000) PISHIM_BUFSIZ (4096) PISHIM_NORT=1 (no wire-time wait)
 *     PISHIM_LEVELS (17=1,27=0) PISHIM_SEED (1) PISHIM_CTL=0 (another program on the same Pi reads the FIFO)
 *     PISHIM_OUTPUT (22: a line that is an output without a consumer)
 *     PISHIM_TAKEN (10=led0,17=w1: taken lines) PISHIM_SERVICE (spi,gpio: adds a user talklight in these groups)
 * A gpiochip whose node contains text is not the header's. It has no lines, and the text is its label.
 *
 * A bounce is exact also on a busy machine: an edge has its planned time, and reading a level first applies all due edges.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <linux/gpio.h>
#include <linux/spi/spidev.h>

enum { K_NONE, K_SPI, K_CHIP, K_LINE, K_DEV, K_MEM };
#define MAXFD 65536
#define NL 58
static unsigned char kind[MAXFD];
static short reqof[MAXFD];
static unsigned short born[MAXFD];             /* which incarnation of its device a K_SPI or K_CHIP has open */
static char dir[256];
static int on;
static int logfd = -1;
static volatile uint32_t *reg;                 /* the shared gpiomem page */
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t thr_once = PTHREAD_ONCE_INIT;

static struct req {                            /* one line request: the lines behind one fd of the program */
    int fd;                                    /* the writer's end */
    int user;                                  /* the program's fd, 0: free */
    int n, off[GPIO_V2_LINES_MAX];
    int room;                                  /* events kept unread; then the oldest gives way */
    uint32_t seq;
} reqs[NL];
static struct line {
    struct req *r;                             /* NULL: free */
    uint64_t flags; uint32_t deb_us;
    int ext;                                   /* 0,1, 2: not driven */
    int busy;                                  /* another program has it */
    long hum_us, lag_us; int keep, lose;
    int seen;                                  /* (debounced) level the program was told about */
    uint64_t due;                              /* debounce deadline, 0: none */
    uint32_t seq;
    char consumer[32];
} ln[NL];
#define NTOG 512
static struct toggle { uint64_t at; int line, level; } tog[NTOG];      /* what bounces have still to do, in order of time */
static int ntog;
#define NLATE 256
static struct late { uint64_t at; struct req *r; struct gpio_v2_line_event e; } late[NLATE];   /* edges on their way, in order */
static int nlate;
static struct { uint32_t mode, hz; uint8_t bpw; } spi = { 0, 125000000, 8 };
static volatile int spierr, spifail, spihang, spistall, spislow, spislow_ms;
static volatile long wall;                     /* seconds that the wall clock is ahead */
static char noclock[16];                       /* the thread whose next reading of a clock fails */
static unsigned short spigen, chipgen;
static uint64_t seed;
static short chipno[MAXFD];                    /* the number of the chip that a K_CHIP has open */
static volatile int regs_open;                 /* the program maps /dev/gpiomem: its registers must be watched */
static int ctlfd = -1;

static int (*r_clock_gettime)(clockid_t, struct timespec *);
static int (*r_open)(const char *, int, ...);
static int (*r_openat)(int, const char *, int, ...);
static int (*r_ioctl)(int, unsigned long, ...);
static ssize_t (*r_write)(int, const void *, size_t);
static ssize_t (*r_read)(int, void *, size_t);
static int (*r_close)(int);
static int (*r_fcntl)(int, int, ...);
static int (*r_dup)(int);
static int (*r_dup2)(int, int);
static int (*r_dup3)(int, int, int);
static int (*r_statx)(int, const char *, int, unsigned, struct statx *);
static int (*r_stat)(const char *, struct stat *);
static int (*r_access)(const char *, int);
static int (*r_lstat)(const char *, struct stat *);
static int (*r_fstat)(int, struct stat *);
static int (*r_fstatat)(int, const char *, struct stat *, int);
static DIR *(*r_opendir)(const char *);
static struct dirent64 *(*r_readdir)(DIR *);
static int (*r_closedir)(DIR *);
static char *(*r_realpath)(const char *, char *);
static int (*r_getpwnam_r)(const char *, struct passwd *, char *, size_t, struct passwd **);
static int (*r_getgrgid_r)(gid_t, struct group *, char *, size_t, struct group **);

static uint64_t now(void) { struct timespec t; r_clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void logf_(const char *f, ...)
{
    char b[512]; va_list a; va_start(a, f); int n = vsnprintf(b, sizeof b, f, a); va_end(a);
    if (logfd >= 0 && n > 0) { ssize_t r = r_write(logfd, b, n < (int)sizeof b ? n : (int)sizeof b - 1); (void)r; }
}
static long env(const char *n, long d) { const char *v = getenv(n); return v && *v ? atol(v) : d; }

__attribute__((constructor)) static void init(void)
{
    r_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    r_open = dlsym(RTLD_NEXT, "open64"); r_openat = dlsym(RTLD_NEXT, "openat64"); r_ioctl = dlsym(RTLD_NEXT, "ioctl");
    r_write = dlsym(RTLD_NEXT, "write"); r_read = dlsym(RTLD_NEXT, "read"); r_close = dlsym(RTLD_NEXT, "close"); r_fcntl = dlsym(RTLD_NEXT, "fcntl64");
    r_dup = dlsym(RTLD_NEXT, "dup"); r_dup2 = dlsym(RTLD_NEXT, "dup2"); r_dup3 = dlsym(RTLD_NEXT, "dup3");
    r_statx = dlsym(RTLD_NEXT, "statx"); r_stat = dlsym(RTLD_NEXT, "stat64"); r_access = dlsym(RTLD_NEXT, "access");
    r_lstat = dlsym(RTLD_NEXT, "lstat64"); r_fstat = dlsym(RTLD_NEXT, "fstat64"); r_fstatat = dlsym(RTLD_NEXT, "fstatat64");
    r_opendir = dlsym(RTLD_NEXT, "opendir"); r_readdir = dlsym(RTLD_NEXT, "readdir64"); r_closedir = dlsym(RTLD_NEXT, "closedir");
    r_realpath = dlsym(RTLD_NEXT, "realpath"); r_getpwnam_r = dlsym(RTLD_NEXT, "getpwnam_r"); r_getgrgid_r = dlsym(RTLD_NEXT, "getgrgid_r");
    if (!r_fcntl) r_fcntl = dlsym(RTLD_NEXT, "fcntl");
    const char *d = getenv("PISHIM_DIR");
    if (!d) return;
    snprintf(dir, sizeof dir, "%s", d);
    on = 1;
    char p[512];
    snprintf(p, sizeof p, "%s/log", dir);
    int f = r_open(p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (f >= 0) { logfd = r_fcntl(f, F_DUPFD_CLOEXEC, 900); if (logfd < 0) logfd = f; else r_close(f); }
    for (int i = 0; i < NL; i++) { ln[i].ext = 2; reqs[i].fd = -1; }
    for (const char *t = getenv("PISHIM_TAKEN"); t; t = strchr(t, ',') ? strchr(t, ',') + 1 : NULL) {
        int l; char by[32];
        if (sscanf(t, "%d=%31[^,]", &l, by) == 2 && l >= 0 && l < NL) { ln[l].busy = 1; strcpy(ln[l].consumer, by); }
    }
}

static const char *redirect(const char *p, char *buf, size_t n)
{
    if (!on || !p || p[0] != '/') return p;
    if (strncmp(p, "/dev/", 5) && strncmp(p, "/proc/", 6) && strncmp(p, "/sys/", 5) && strncmp(p, "/boot/", 6) && strncmp(p, "/etc/talklight/", 15)) return p;
    snprintf(buf, n, "%s/root%s", dir, p);
    if (syscall(SYS_faccessat, AT_FDCWD, buf, F_OK) == 0) return buf;
    if (!strncmp(p, "/dev/spidev", 11) || !strncmp(p, "/dev/gpio", 9) || !strcmp(p, "/dev/mem")) return buf; /* never the host's */
    return p;
}

/* --- clocks ---------------------------------------------------------------------------------------------------- */
int clock_gettime(clockid_t c, struct timespec *t)
{
    char name[16];
    int r = r_clock_gettime ? r_clock_gettime(c, t) : syscall(SYS_clock_gettime, c, t);
    if (!on || r) return r;
    if (*noclock && !prctl(PR_GET_NAME, name) && !strcmp(name, noclock)) { *noclock = 0; errno = EINVAL; return -1; }
    if (c == CLOCK_REALTIME || c == CLOCK_REALTIME_COARSE || c == CLOCK_TAI) {
        t->tv_sec += wall;
        logf_("W %llu %d\n", (unsigned long long)now(), c);
    }
    return 0;
}
time_t time(time_t *out) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); if (out) *out = t.tv_sec; return t.tv_sec; }
int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t; (void)zone;
    int r = clock_gettime(CLOCK_REALTIME, &t);
    out->tv_sec = t.tv_sec; out->tv_usec = t.tv_nsec / 1000;
    return r;
}

/* --- levels ---------------------------------------------------------------------------------------------------- */
static int pull_of(int l)      /* 0 none 1 up 2 down, as on the BCM2711 (GPIO_PUP_PDN_CNTRL_REG) or by cdev flags */
{
    if (ln[l].flags & GPIO_V2_LINE_FLAG_BIAS_PULL_UP) return 1;
    if (ln[l].flags & GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN) return 2;
    if (reg) return (reg[0xe4 / 4 + l / 16] >> (l % 16 * 2)) & 3;
    return 0;
}
static int level_of(int l) { return ln[l].ext < 2 ? ln[l].ext : pull_of(l) == 1; }
static void put_lev(int l)
{
    if (!reg) return;
    uint32_t fs = (reg[l / 10] >> (l % 10 * 3)) & 7;
    if (fs == 1) return;       /* an output: the level comes from GPSET/GPCLR */
    uint32_t b = 1u << (l % 32);
    if (level_of(l)) __atomic_or_fetch(&reg[0x34 / 4 + l / 32], b, __ATOMIC_SEQ_CST);
    else __atomic_and_fetch(&reg[0x34 / 4 + l / 32], ~b, __ATOMIC_SEQ_CST);
}
static void hand_over(struct req *q, struct gpio_v2_line_event e)
{
    struct gpio_v2_line_event old;
    if (q->fd < 0) return;
    int unread = 0, full = !r_ioctl(q->user, FIONREAD, &unread) && unread >= q->room * (int)sizeof e;
    if (full) recv(q->user, &old, sizeof old, MSG_DONTWAIT);
    ssize_t r = send(q->fd, &e, sizeof e, MSG_NOSIGNAL | MSG_DONTWAIT);
    logf_("E %llu %u %u %u %llu%s\n", (unsigned long long)now(), e.offset, e.id, e.seqno, (unsigned long long)e.timestamp_ns, full || r < 0 ? " DROPPED" : "");
}
static void deliver(int l, int lev, uint64_t ts)
{
    struct line *x = &ln[l];
    if (x->seen == lev) return;
    x->seen = lev;
    if (!x->r) return;
    int act = lev ^ !!(x->flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW);
    if (!(x->flags & (act ? GPIO_V2_LINE_FLAG_EDGE_RISING : GPIO_V2_LINE_FLAG_EDGE_FALLING))) return;
    struct gpio_v2_line_event e = { .timestamp_ns = ts, .id = act ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE,
        .offset = l, .seqno = ++x->r->seq, .line_seqno = ++x->seq };
    if (x->keep > 0) x->keep--;
    else if (x->lose > 0) { x->lose--; return; }
    if (x->lag_us && nlate < NLATE) late[nlate++] = (struct late){ ts + x->lag_us * 1000ull, x->r, e };
    else hand_over(x->r, e);
}
static void changed(int l, uint64_t ts)        /* mu held */
{
    put_lev(l);
    if (!ln[l].deb_us) { deliver(l, level_of(l), ts); return; }
    ln[l].due = ts + ln[l].deb_us * 1000ull;   /* stable for the whole period, as gpiolib's software debounce */
}
static void drive(int l, int level, uint64_t ts)                /* mu held */
{
    ln[l].ext = level;
    logf_("G %llu %d %c\n", (unsigned long long)ts, l, "01z"[level]);
    changed(l, ts);
}
static void toggle(uint64_t at, int line, int level)            /* mu held */
{
    if (ntog == NTOG) return;
    int i = ntog++;
    for (; i && tog[i - 1].at > at; i--) tog[i] = tog[i - 1];
    tog[i] = (struct toggle){ at, line, level };
}
static void settle(uint64_t t)                 /* mu held: everything that was due by t, in order */
{
    for (;;) {
        int d = -1;
        for (int i = 0; i < NL; i++) if (ln[i].due && (d < 0 || ln[i].due < ln[d].due)) d = i;
        uint64_t due = d < 0 ? UINT64_MAX : ln[d].due;
        if (ntog && tog[0].at <= t && tog[0].at < due) {
            struct toggle g = tog[0];
            memmove(tog, tog + 1, --ntog * sizeof *tog);
            if (ln[g.line].hum_us) toggle(g.at + ln[g.line].hum_us * 1000ull, g.line, !g.level);
            drive(g.line, g.level, g.at);
        } else if (due <= t) { ln[d].due = 0; deliver(d, level_of(d), due); }
        else break;
    }
    while (nlate && late[0].at <= t) {
        struct late a = late[0];
        memmove(late, late + 1, --nlate * sizeof *late);
        hand_over(a.r, a.e);
    }
}

#include "pishim_world.h"
#include "pishim_files.h"
#include "pishim_devices.h"
