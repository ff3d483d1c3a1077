/* pishim: LD_PRELOAD shim that shows a Raspberry Pi's SPI + GPIO to an unmodified, dynamically linked program.
 *
 * $PISHIM_DIR/root/...   files put in the place of the real paths (any path under /dev, /proc, /sys, /boot, /etc/talklight that exists there)
 *     /dev/spidev0.0 /dev/gpiochip0 /dev/gpiomem (4 KiB, plain shared memory): character devices to stat and readdir, of the
 *     groups spi and gpio; one without permission bits refuses everybody, root too
 *     /proc/cpuinfo /sys/firmware/devicetree/base/{compatible,model}
 * $PISHIM_DIR/ctl        FIFO, a command a line; commands that wait there are obeyed before the first node is open
 *     gpio 17 0|1|z            drives a line, or lets go of it
 *     bounce 17 0 300 500      drives it low now, high 300 us later, low again 500 us after that
 *     hum 17 900               toggles it every 900 us, until its next command
 *     gpiolag 17 1000          its edges are handed over 1000 us late, with the time at which they were
 *     gpiolose 17 1 2          one edge more, and the two after it are numbered and lost, as when nobody reads them for too long
 *     gpiobusy 17 1            another program has the line; 0: no more
 *     gpiogone 1               every open chip and line reports a hang-up, for ever
 *     spierr 5                 every write fails with this errno; 0: off
 *     spifail 30               a write fails with EIO at 30 percent, as PISHIM_SEED has it
 *     spihang 1                writes block; 0: go on
 *     spistall 500             the next write blocks for 500 ms, once
 *     spislow 2 40             a write blocks for 40 ms at 2 percent, as PISHIM_SEED has it
 *     spigone 1                every open spidev fails with ESHUTDOWN, for ever; a new open is a new device
 *     wall -3600               the wall clock is an hour behind the real one
 *     noclock screen           the next reading of a clock in the thread of this name fails, once
 *     sync 7                   logs "K t 7": what came before it is done
 * $PISHIM_DIR/log        one line per event, CLOCK_MONOTONIC ns:
 *     S t0 t1 hz_asked hz_eff mode dma hex       one SPI segment on MOSI (t0 start, t1 end of the wire time)
 *     F t errno bytes                            a transfer refused
 *     P t open path fd     C ... config ioctl    T t pid    the control FIFO is being read
 *     G t line level   the outside world drove a line     X t ...   a fault switched
 *     L t line flags debounce_us fd      line requested   V t line level      its level was read
 *     E t line id seq stamp [DROPPED]   edge delivered; the oldest gave way     W t clock   the wall clock was read
 * Environment: PISHIM_LABEL (pinctrl-bcm2711) PISHIM_CORE_HZ (500000000) PISHIM_BUFSIZ (4096) PISHIM_NORT=1 (no wire-time wait)
 *     PISHIM_LEVELS (17=1,27=0) PISHIM_SEED (1) PISHIM_CTL=0 (leaves the FIFO to another program on the same Pi)
 *     PISHIM_OUTPUT (22: a line that is an output, and nobody's)
 *     PISHIM_TAKEN (10=led0,17=w1: lines that others have) PISHIM_SERVICE (spi,gpio: there is a user talklight, in these groups)
 * A gpiochip whose node has text in it is another one than the header's, without lines, and the text is its label.
 *
 * A bounce is exact however busy the machine is: an edge carries its planned time, and a look at a level first catches up.
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

/* --- the outside world ------------------------------------------------------------------------------------------- */
static void hands_off(int l)                   /* a line's new command ends its bounce */
{
    int n = 0;
    ln[l].hum_us = 0;
    for (int i = 0; i < ntog; i++) if (tog[i].line != l) tog[n++] = tog[i];
    ntog = n;
}
static void bounce(int l, int level, const char *delays)
{
    uint64_t at = now(); char *end; long us;
    hands_off(l);
    drive(l, level, at);
    for (; us = strtol(delays, &end, 10), end != delays && ntog < NTOG; delays = end) {
        at += us * 1000ull; level = !level;
        toggle(at, l, level);
    }
}
static void gpio_gone(void)
{
    chipgen++;
    for (int i = 0; i < NL; i++) {
        if (reqs[i].user && reqs[i].fd >= 0) { r_close(reqs[i].fd); reqs[i].fd = -1; }
        ln[i].r = NULL; ln[i].flags = 0; ln[i].deb_us = 0; ln[i].due = 0;
    }
}
static void command(const char *q)             /* mu held */
{
    int l, m, n; char c;
    if (sscanf(q, "gpio %d %c", &l, &c) == 2 && l >= 0 && l < NL) { hands_off(l); drive(l, c == 'z' ? 2 : c == '1', now()); return; }
    if (sscanf(q, "bounce %d %c%n", &l, &c, &n) == 2 && l >= 0 && l < NL) { bounce(l, c == '1', q + n); return; }
    if (sscanf(q, "hum %d %d", &l, &n) == 2 && l >= 0 && l < NL) { hands_off(l); ln[l].hum_us = n; toggle(now(), l, !level_of(l)); return; }
    if (sscanf(q, "sync %d", &n) == 1) { logf_("K %llu %d\n", (unsigned long long)now(), n); return; }
    if (sscanf(q, "gpiobusy %d %d", &l, &n) == 2 && l >= 0 && l < NL) ln[l].busy = n;
    else if (sscanf(q, "gpiolag %d %d", &l, &n) == 2 && l >= 0 && l < NL) ln[l].lag_us = n;
    else if (sscanf(q, "gpiolose %d %d %d", &l, &m, &n) == 3 && l >= 0 && l < NL) { ln[l].keep = m; ln[l].lose = n; }
    else if (sscanf(q, "wall %d", &n) == 1) wall = n;
    else if (sscanf(q, "noclock %15s", noclock) == 1) {}
    else if (sscanf(q, "spislow %d %d", &l, &n) == 2) { spislow_ms = n; spislow = l; }
    else if (sscanf(q, "spihang %d", &n) == 1) spihang = n;
    else if (sscanf(q, "spistall %d", &n) == 1) spistall = n;
    else if (sscanf(q, "spierr %d", &n) == 1) spierr = n;
    else if (sscanf(q, "spifail %d", &n) == 1) spifail = n;
    else if (sscanf(q, "spigone %d", &n) == 1) spigen += !!n;
    else if (sscanf(q, "gpiogone %d", &n) == 1) { if (n) gpio_gone(); }
    else return;
    logf_("X %llu %s\n", (unsigned long long)now(), q);
}
static void read_commands(void)                /* mu held */
{
    static char buf[8192]; static size_t have;
    ssize_t n;
    while (ctlfd >= 0 && (n = r_read(ctlfd, buf + have, sizeof buf - 1 - have)) > 0) {
        have += n; buf[have] = 0;
        char *q = buf, *nl;
        for (; (nl = strchr(q, '\n')); q = nl + 1) { *nl = 0; command(q); }
        have = strlen(q); memmove(buf, q, have + 1);
    }
}

static void *control(void *a)
{
    (void)a;
    prctl(PR_SET_TIMERSLACK, 1);
    for (;;) {
        /* sleeps until a command, a debounce deadline, a toggle, or (registers mapped) the next look at them, so that the
           program's own wake-ups and CPU time can be measured */
        pthread_mutex_lock(&mu);
        uint64_t next = regs_open ? now() + 1000000 : 0;
        for (int i = 0; i < NL; i++) if (ln[i].due && (!next || ln[i].due < next)) next = ln[i].due;
        if (ntog && (!next || tog[0].at < next)) next = tog[0].at;
        if (nlate && (!next || late[0].at < next)) next = late[0].at;
        pthread_mutex_unlock(&mu);
        uint64_t n0 = now(), left = next > n0 ? next - n0 : 0;
        struct timespec to = { left / 1000000000ull, left % 1000000000ull };
        struct pollfd pf = { ctlfd, POLLIN, 0 };
        ppoll(&pf, 1, next ? &to : NULL, NULL);
        pthread_mutex_lock(&mu);
        uint64_t t = now();
        settle(t);
        if (reg && regs_open) { /* best effort: GPSET/GPCLR are write-1 registers on the Pi, plain memory here */
            for (int w = 0; w < 2; w++) {
                uint32_t s = __atomic_exchange_n(&reg[0x1c / 4 + w], 0, __ATOMIC_SEQ_CST);
                uint32_t c = __atomic_exchange_n(&reg[0x28 / 4 + w], 0, __ATOMIC_SEQ_CST);
                if (s | c) {
                    uint32_t v = (__atomic_load_n(&reg[0x34 / 4 + w], __ATOMIC_SEQ_CST) | s) & ~c;
                    __atomic_store_n(&reg[0x34 / 4 + w], v, __ATOMIC_SEQ_CST);
                    logf_("O %llu %d set %08x clr %08x\n", (unsigned long long)t, w, s, c);
                }
            }
            for (int i = 0; i < 28; i++) {      /* a pull that the program changed through the registers */
                if (ln[i].ext == 2 && level_of(i) != (int)(reg[0x34 / 4] >> i & 1) && ((reg[i / 10] >> (i % 10 * 3)) & 7) == 0) changed(i, t);
            }
        }
        read_commands();
        pthread_mutex_unlock(&mu);
    }
    return NULL;
}
static void start_thread(void)
{
    char p[512]; snprintf(p, sizeof p, "%s/root/dev/gpiomem", dir);
    int f = r_open(p, O_RDWR | O_CLOEXEC);
    if (f >= 0) { void *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0); if (m != MAP_FAILED) reg = m; r_close(f); }
    const char *v = getenv("PISHIM_LEVELS");      /* "17=1,27=0" */
    while (v && *v) { int l, x; if (sscanf(v, "%d=%d", &l, &x) == 2 && l >= 0 && l < NL) ln[l].ext = !!x; v = strchr(v, ','); if (v) v++; }
    for (int i = 0; i < NL; i++) { put_lev(i); ln[i].seen = level_of(i); }
    seed = env("PISHIM_SEED", 1);
    if (env("PISHIM_CTL", 1)) {
        snprintf(p, sizeof p, "%s/ctl", dir);
        ctlfd = r_open(p, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        logf_("T %llu %d\n", (unsigned long long)now(), getpid());
        pthread_mutex_lock(&mu); read_commands(); pthread_mutex_unlock(&mu);
    }
    sigset_t all, old; sigfillset(&all); pthread_sigmask(SIG_BLOCK, &all, &old);
    pthread_t t; pthread_attr_t at; pthread_attr_init(&at); pthread_attr_setstacksize(&at, 256 * 1024);
    pthread_create(&t, &at, control, NULL); pthread_detach(t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* --- open and friends ------------------------------------------------------------------------------------------ */
static int node(const char *p)                 /* which pretend device a path names */
{
    if (!on || !p) return K_NONE;
    if (!strncmp(p, "/dev/spidev", 11)) return K_SPI;
    if (!strncmp(p, "/dev/gpiochip", 13)) return K_CHIP;
    if (!strncmp(p, "/dev/gpiomem", 12)) return K_MEM;
    return K_NONE;
}
static int number_of(const char *p)            /* of /dev/gpiochip4: 4 */
{
    int n = 0;
    const char *q = strstr(p, "gpiochip");
    if (q) sscanf(q, "gpiochip%d", &n);
    return n;
}
static int after_open(const char *orig, int fd)
{
    if (fd < 0 || fd >= MAXFD || !on) return fd;
    int k = kind[fd] = node(orig);
    if (!k) return fd;
    pthread_once(&thr_once, start_thread);
    if (k == K_CHIP) { chipno[fd] = number_of(orig); born[fd] = chipgen; return fd; }
    if (k == K_SPI) born[fd] = spigen;
    if (k == K_MEM) { kind[fd] = K_NONE; regs_open = 1; if (ctlfd >= 0) { ssize_t r = r_write(ctlfd, "wake\n", 5); (void)r; } }
    logf_("P %llu open %s fd %d\n", (unsigned long long)now(), orig, fd);
    return fd;
}
static int denied(const char *orig, const char *real)
{
    struct stat s;
    if (!node(orig) || r_stat(real, &s) || s.st_mode & 0666) return 0;
    errno = EACCES; return 1;
}
#define OPENBODY(call) char b[512]; mode_t m = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); m = va_arg(a, int); va_end(a); } \
    if (!r_open) { init(); } const char *q = redirect(path, b, sizeof b); if (denied(path, q)) return -1; return after_open(path, call)
int open(const char *path, int flags, ...) { OPENBODY(r_open(q, flags, m)); }
int open64(const char *path, int flags, ...) { OPENBODY(r_open(q, flags, m)); }
int openat(int d, const char *path, int flags, ...) { OPENBODY(r_openat(d, q, flags, m)); }
int openat64(int d, const char *path, int flags, ...) { OPENBODY(r_openat(d, q, flags, m)); }
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open(path, flags); }

/* A node is a plain file here and a character device to the program. `d` and `p` as in fstatat. */
static int node_at(int d, const char *p)
{
    char b[300];
    if (p && *p == '/') return node(p);
    if (d < 0 || d >= MAXFD) return K_NONE;
    if (!p || !*p) return kind[d] == K_SPI || kind[d] == K_CHIP ? kind[d] : K_NONE;
    if (kind[d] != K_DEV) return K_NONE;
    snprintf(b, sizeof b, "/dev/%s", p);
    return node(b);
}
enum { SPI_GROUP = 900, GPIO_GROUP };
static gid_t group_of(int k) { return k == K_SPI ? SPI_GROUP : GPIO_GROUP; }
static dev_t rdev_of(int d, const char *p)
{
    int k = node_at(d, p);
    return k == K_SPI ? makedev(153, 0) : k == K_CHIP ? makedev(254, p && *p ? number_of(p) : chipno[d]) : makedev(240, 0);
}
static int as_node(int d, const char *p, int r, struct stat *s)
{
    int k = node_at(d, p);
    if (!r && k && S_ISREG(s->st_mode)) { s->st_mode = (s->st_mode & 0666 ? 0660 : 0) | S_IFCHR; s->st_rdev = rdev_of(d, p); s->st_gid = group_of(k); s->st_size = 0; s->st_blocks = 0; }
    return r;
}
#define STAT(d, p, call) return as_node(d, p, call, (struct stat *)s)
#define STATPATH(r) char b[512]; STAT(-1, p, r(redirect(p, b, sizeof b), (struct stat *)s))
int stat(const char *restrict p, struct stat *restrict s) { STATPATH(r_stat); }
int stat64(const char *restrict p, struct stat64 *restrict s) { STATPATH(r_stat); }
int lstat(const char *restrict p, struct stat *restrict s) { STATPATH(r_lstat); }
int lstat64(const char *restrict p, struct stat64 *restrict s) { STATPATH(r_lstat); }
int fstat(int fd, struct stat *s) { STAT(fd, NULL, r_fstat(fd, s)); }
int fstat64(int fd, struct stat64 *s) { STAT(fd, NULL, r_fstat(fd, (struct stat *)s)); }
int fstatat(int d, const char *restrict p, struct stat *restrict s, int f) { char b[512]; STAT(d, p, r_fstatat(d, redirect(p, b, sizeof b), s, f)); }
int fstatat64(int d, const char *restrict p, struct stat64 *restrict s, int f) { char b[512]; STAT(d, p, r_fstatat(d, redirect(p, b, sizeof b), (struct stat *)s, f)); }
int statx(int d, const char *restrict p, int fl, unsigned mk, struct statx *restrict s)
{
    char b[512]; int k = node_at(d, p), r = r_statx(d, redirect(p, b, sizeof b), fl, mk, s);
    if (!r && k && S_ISREG(s->stx_mode)) {
        s->stx_mode = (s->stx_mode & 0666 ? 0660 : 0) | S_IFCHR; s->stx_gid = group_of(k); s->stx_size = 0; s->stx_blocks = 0;
        s->stx_rdev_major = major(rdev_of(d, p)); s->stx_rdev_minor = minor(rdev_of(d, p));
    }
    return r;
}
DIR *opendir(const char *p)                    /* /dev lists the pretend nodes only */
{
    char b[512];
    if (!on || (strcmp(p, "/dev") && strcmp(p, "/dev/"))) return r_opendir(redirect(p, b, sizeof b));
    snprintf(b, sizeof b, "%s/root/dev", dir);
    DIR *d = r_opendir(b);
    if (d && dirfd(d) < MAXFD) kind[dirfd(d)] = K_DEV;
    return d;
}
struct dirent64 *readdir64(DIR *d)
{
    struct dirent64 *e = r_readdir(d);
    if (e && e->d_type == DT_REG && node_at(dirfd(d), e->d_name)) e->d_type = DT_CHR;
    return e;
}
int closedir(DIR *d) { int fd = dirfd(d); if (fd >= 0 && fd < MAXFD) kind[fd] = K_NONE; return r_closedir(d); }
char *realpath(const char *restrict p, char *restrict out)      /* a pretend path is its own real path */
{
    char b[512]; const char *q = redirect(p, b, sizeof b);
    if (q == p) return r_realpath(p, out);
    if (syscall(SYS_faccessat, AT_FDCWD, q, F_OK)) { errno = ENOENT; return NULL; }
    return out ? strcpy(out, p) : strdup(p);
}
int access(const char *p, int m) { char b[512]; const char *q = redirect(p, b, sizeof b); return m != F_OK && denied(p, q) ? -1 : r_access(q, m); }

int getpwnam_r(const char *name, struct passwd *u, char *b, size_t n, struct passwd **out)
{
    if (!on || strcmp(name, "talklight")) return r_getpwnam_r(name, u, b, n, out);
    u->pw_name = "talklight"; u->pw_passwd = u->pw_gecos = u->pw_dir = u->pw_shell = ""; u->pw_uid = u->pw_gid = 990;
    *out = getenv("PISHIM_SERVICE") ? u : NULL;
    return 0;
}
int getgrgid_r(gid_t id, struct group *g, char *b, size_t n, struct group **out)
{
    static char *members[] = { "talklight", NULL };
    if (!on || (id != SPI_GROUP && id != GPIO_GROUP)) return r_getgrgid_r(id, g, b, n, out);
    const char *of = getenv("PISHIM_SERVICE");
    g->gr_name = id == SPI_GROUP ? "spi" : "gpio"; g->gr_passwd = ""; g->gr_gid = id;
    g->gr_mem = members + !(of && strstr(of, g->gr_name));
    *out = g;
    return 0;
}

static void copyfd(int from, int to) { if (from >= 0 && to >= 0 && from < MAXFD && to < MAXFD) { kind[to] = kind[from]; reqof[to] = reqof[from]; born[to] = born[from]; chipno[to] = chipno[from]; } }
int close(int fd)
{
    if (fd == logfd && fd >= 0) return 0;
    if (fd >= 0 && fd < MAXFD && kind[fd]) {
        if (kind[fd] == K_LINE) {
            pthread_mutex_lock(&mu);
            struct req *x = &reqs[reqof[fd]];
            if (x->user == fd) {
                for (int i = 0; i < x->n; i++) { struct line *y = &ln[x->off[i]]; if (y->r == x) { y->r = NULL; y->flags = 0; y->deb_us = 0; y->due = 0; y->consumer[0] = 0; } }
                if (x->fd >= 0) r_close(x->fd);
                x->fd = -1; x->user = 0;
            }
            pthread_mutex_unlock(&mu);
        }
        kind[fd] = K_NONE;
    }
    return r_close(fd);
}
int dup(int fd) { int n = r_dup(fd); copyfd(fd, n); return n; }
int dup2(int a, int b) { int n = r_dup2(a, b); copyfd(a, n); return n; }
int dup3(int a, int b, int f) { int n = r_dup3(a, b, f); copyfd(a, n); return n; }
static int fcntl_(int fd, int cmd, long arg) { int n = r_fcntl(fd, cmd, arg); if ((cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && n >= 0) copyfd(fd, n); return n; }
int fcntl(int fd, int cmd, ...) { va_list a; va_start(a, cmd); long x = va_arg(a, long); va_end(a); return fcntl_(fd, cmd, x); }
int fcntl64(int fd, int cmd, ...) { va_list a; va_start(a, cmd); long x = va_arg(a, long); va_end(a); return fcntl_(fd, cmd, x); }

/* --- SPI ------------------------------------------------------------------------------------------------------- */
static uint32_t eff_hz(uint32_t hz)       /* as drivers/spi/spi-bcm2835.c: an even divisor of the core clock */
{
    uint64_t clk = env("PISHIM_CORE_HZ", 500000000), d;
    if (hz >= clk / 2) d = 2;
    else if (hz) { d = (clk + hz - 1) / hz; d += d % 2; if (d >= 65536) d = 65536; }
    else d = 65536;
    return clk / d;
}
static void wire(const uint8_t *tx, uint8_t *rx, uint32_t len, uint32_t hz, uint64_t *t)
{
    uint32_t e = eff_hz(hz); int dma = len >= 96;      /* BCM2835_SPI_DMA_MIN_LENGTH; below: 9 clocks a byte */
    uint64_t t0 = *t, t1 = t0 + (uint64_t)len * (dma ? 8 : 9) * 1000000000ull / e;
    char *b = malloc(160 + 2 * (size_t)len);
    int n = sprintf(b, "S %llu %llu %u %u %u %d ", (unsigned long long)t0, (unsigned long long)t1, hz, e, spi.mode, dma);
    static const char hx[] = "0123456789abcdef";
    for (uint32_t i = 0; i < len; i++) { uint8_t v = tx ? tx[i] : 0; b[n++] = hx[v >> 4]; b[n++] = hx[v & 15]; }
    b[n++] = '\n';
    ssize_t r = r_write(logfd, b, n); (void)r; free(b);
    if (rx) memset(rx, 0, len);
    *t = t1;
    if (!getenv("PISHIM_NORT")) { struct timespec ts = { t1 / 1000000000ull, t1 % 1000000000ull }; while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR); }
}
static int chance(void)                        /* 0 to 99 */
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (seed >> 33) % 100;
}
static int trouble(int fd, size_t n)           /* what stands against a transfer of n bytes: an errno, or 0 */
{
    int e = 0;
    if (n > (size_t)env("PISHIM_BUFSIZ", 4096)) e = EMSGSIZE;
    else {
        int ms = __atomic_exchange_n(&spistall, 0, __ATOMIC_SEQ_CST);
        if (spislow && chance() < spislow) ms += spislow_ms;
        struct timespec stall = { ms / 1000, ms % 1000 * 1000000 }, step = { 0, 1000000 };
        while (ms && nanosleep(&stall, &stall) && errno == EINTR);
        while (spihang) nanosleep(&step, NULL);
        if (born[fd] != spigen) e = ESHUTDOWN;
        else if (spierr) e = spierr;
        else if (spifail && chance() < spifail) e = EIO;
    }
    if (e) logf_("F %llu %d %zu\n", (unsigned long long)now(), e, n);
    return e;
}
static int spi_ioctl(int fd, unsigned long rq, void *p)
{
    unsigned nr = _IOC_NR(rq), sz = _IOC_SIZE(rq); int wr = _IOC_DIR(rq) & _IOC_WRITE;
    if (born[fd] != spigen) { errno = ESHUTDOWN; return -1; }
    if (nr == 0) {
        struct spi_ioc_transfer *x = p; int n = sz / sizeof *x; uint64_t tot = 0, t;
        if (sz % sizeof *x) { errno = EINVAL; return -1; }
        for (int i = 0; i < n; i++) tot += x[i].len;
        int e = trouble(fd, tot);
        if (e) { errno = e; return -1; }
        t = now();
        for (int i = 0; i < n; i++) {
            if (x[i].bits_per_word && x[i].bits_per_word != 8) { errno = EINVAL; return -1; }
            wire((void *)(uintptr_t)x[i].tx_buf, (void *)(uintptr_t)x[i].rx_buf, x[i].len, x[i].speed_hz ? x[i].speed_hz : spi.hz, &t);
            t += x[i].delay_usecs * 1000ull;
        }
        return tot;
    }
    uint32_t v = 0;
    if (wr) v = sz == 1 ? *(uint8_t *)p : *(uint32_t *)p;
    logf_("C %llu spi nr %u %s %u\n", (unsigned long long)now(), nr, wr ? "set" : "get", v);
    switch (nr) {
    case 1: case 5:
        if (wr) { if (v & ~(uint32_t)(SPI_CPHA | SPI_CPOL | SPI_CS_HIGH | SPI_NO_CS | SPI_3WIRE)) { errno = EINVAL; return -1; } spi.mode = v; }
        else if (sz == 1) *(uint8_t *)p = spi.mode; else *(uint32_t *)p = spi.mode;
        return 0;
    case 2: if (wr) { if (v) { errno = EINVAL; return -1; } } else *(uint8_t *)p = 0; return 0;
    case 3: if (wr) { if (v && v != 8) { errno = EINVAL; return -1; } } else *(uint8_t *)p = 8; return 0;
    case 4: if (wr) { if (!v) { errno = EINVAL; return -1; } spi.hz = v; } else *(uint32_t *)p = spi.hz; return 0;
    }
    errno = ENOTTY; return -1;
}
ssize_t write(int fd, const void *p, size_t n)
{
    if (fd < 0 || fd >= MAXFD || kind[fd] != K_SPI) return r_write(fd, p, n);
    int e = trouble(fd, n);
    if (e) { errno = e; return -1; }
    uint64_t t = now(); wire(p, NULL, n, spi.hz, &t); return n;
}
static ssize_t read_events(int fd, char *p, size_t n)           /* as many as fit, as the kernel does */
{
    const ssize_t one = sizeof(struct gpio_v2_line_event);
    if (reqs[reqof[fd]].fd < 0) { errno = ENODEV; return -1; }
    if (n < (size_t)one) { errno = EINVAL; return -1; }
    ssize_t got = r_read(fd, p, one);
    if (!got) { errno = ENODEV; return -1; }
    while (got > 0 && got + one <= (ssize_t)n && recv(fd, p + got, one, MSG_DONTWAIT) == one) got += one;
    return got;
}
ssize_t read(int fd, void *p, size_t n)
{
    if (fd < 0 || fd >= MAXFD) return r_read(fd, p, n);
    if (kind[fd] == K_LINE) return read_events(fd, p, n);
    if (kind[fd] != K_SPI) return r_read(fd, p, n);
    int e = trouble(fd, n);
    if (e) { errno = e; return -1; }
    uint64_t t = now(); wire(NULL, p, n, spi.hz, &t); return n;
}

/* --- GPIO character device, v2 ABI ------------------------------------------------------------------------------ */
static void line_cfg(struct req *q, struct gpio_v2_line_config *c)
{
    for (int k = 0; k < q->n; k++) {
        struct line *x = &ln[q->off[k]];
        x->flags = c->flags; x->deb_us = 0;
        for (int i = (int)c->num_attrs - 1; i >= 0; i--) {      /* the first attribute that names the line wins */
            if (i >= GPIO_V2_LINE_NUM_ATTRS_MAX || !(c->attrs[i].mask >> k & 1)) continue;
            if (c->attrs[i].attr.id == GPIO_V2_LINE_ATTR_ID_FLAGS) x->flags = c->attrs[i].attr.flags;
            if (c->attrs[i].attr.id == GPIO_V2_LINE_ATTR_ID_DEBOUNCE) x->deb_us = c->attrs[i].attr.debounce_period_us;
        }
    }
}
static int chip_ioctl(int fd, unsigned long rq, void *p)
{
    char own[32]; ssize_t foreign = pread(fd, own, sizeof own, 0);
    if (foreign < 0) foreign = 0;
    if (born[fd] != chipgen) { errno = ENODEV; return -1; }
    if (foreign && rq != GPIO_GET_CHIPINFO_IOCTL) { errno = EINVAL; return -1; }
    switch (rq) {
    case GPIO_GET_CHIPINFO_IOCTL: {
        struct gpiochip_info *i = p; memset(i, 0, sizeof *i); snprintf(i->name, sizeof i->name, "gpiochip%d", chipno[fd]);
        const char *l = getenv("PISHIM_LABEL"); snprintf(i->label, sizeof i->label, "%s", l ? l : "pinctrl-bcm2711"); i->lines = NL;
        if (foreign) { snprintf(i->label, sizeof i->label, "%.*s", (int)foreign, own); i->lines = 0; }
        return 0; }
    case GPIO_V2_GET_LINEINFO_IOCTL: case GPIO_V2_GET_LINEINFO_WATCH_IOCTL: {
        struct gpio_v2_line_info *i = p; uint32_t o = i->offset; if (o >= NL) { errno = EINVAL; return -1; }
        memset(i, 0, sizeof *i); i->offset = o; snprintf(i->name, sizeof i->name, "GPIO%u", o);
        i->flags = env("PISHIM_OUTPUT", -1) == o ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT; if (ln[o].r || ln[o].consumer[0]) { i->flags = ln[o].flags | GPIO_V2_LINE_FLAG_USED; memcpy(i->consumer, ln[o].consumer, 32); } return 0; }
    case GPIO_GET_LINEINFO_UNWATCH_IOCTL: return 0;
    case GPIO_V2_GET_LINE_IOCTL: {
        struct gpio_v2_line_request *r = p;
        if (!r->num_lines || r->num_lines > NL) { errno = EINVAL; return -1; }
        int sv[2], k = 0;
        pthread_mutex_lock(&mu);
        settle(now());
        for (unsigned i = 0; i < r->num_lines; i++) {
            if (r->offsets[i] >= NL) { pthread_mutex_unlock(&mu); errno = EINVAL; return -1; }
            if (ln[r->offsets[i]].r || ln[r->offsets[i]].busy) { pthread_mutex_unlock(&mu); errno = EBUSY; return -1; }
        }
        while (k < NL && reqs[k].user) k++;
        if (k == NL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) { pthread_mutex_unlock(&mu); return -1; }
        struct req *q = &reqs[k]; q->fd = sv[1]; q->user = sv[0]; q->seq = 0; q->n = r->num_lines;
        unsigned want = r->event_buffer_size ? r->event_buffer_size : 16 * r->num_lines, most = 16 * GPIO_V2_LINES_MAX;
        for (q->room = 2; q->room < (int)(want < most ? want : most); q->room *= 2);    /* a kfifo holds a power of two */
        for (int i = 0; i < q->n; i++) { q->off[i] = r->offsets[i]; ln[q->off[i]].r = q; ln[q->off[i]].seq = 0; memcpy(ln[q->off[i]].consumer, r->consumer, 32); }
        line_cfg(q, &r->config);
        for (int i = 0; i < q->n; i++) {
            int o = q->off[i]; put_lev(o); ln[o].seen = level_of(o); ln[o].due = 0;
            logf_("L %llu %d flags %llx deb %u fd %d\n", (unsigned long long)now(), o, (unsigned long long)ln[o].flags, ln[o].deb_us, sv[0]);
        }
        kind[sv[0]] = K_LINE; reqof[sv[0]] = k; r->fd = sv[0];
        pthread_mutex_unlock(&mu);
        return 0; }
    }
    logf_("! gpiochip ioctl %lx not done\n", rq); errno = ENOTTY; return -1;
}
static int line_ioctl(int fd, unsigned long rq, void *p)
{
    struct req *q = &reqs[reqof[fd]];
    if (q->fd < 0) { errno = ENODEV; return -1; }
    switch (rq) {
    case GPIO_V2_LINE_GET_VALUES_IOCTL: {
        struct gpio_v2_line_values *v = p; v->bits = 0;
        pthread_mutex_lock(&mu);
        settle(now());
        for (int i = 0; i < q->n; i++) if (v->mask >> i & 1) {
            int l = q->off[i], lev = ln[l].deb_us ? ln[l].seen : level_of(l);
            v->bits |= (uint64_t)(lev ^ !!(ln[l].flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW)) << i;
            logf_("V %llu %d %d\n", (unsigned long long)now(), l, lev);
        }
        pthread_mutex_unlock(&mu);
        return 0; }
    case GPIO_V2_LINE_SET_VALUES_IOCTL: {
        struct gpio_v2_line_values *v = p;
        for (int i = 0; i < q->n; i++) if (v->mask >> i & 1) {
            if (!(ln[q->off[i]].flags & GPIO_V2_LINE_FLAG_OUTPUT)) { errno = EPERM; return -1; }
            logf_("O %llu line %d %llu\n", (unsigned long long)now(), q->off[i], (unsigned long long)(v->bits >> i & 1));
        }
        return 0; }
    case GPIO_V2_LINE_SET_CONFIG_IOCTL: pthread_mutex_lock(&mu); line_cfg(q, p); pthread_mutex_unlock(&mu); return 0;
    }
    errno = ENOTTY; return -1;
}
int ioctl(int fd, unsigned long rq, ...)
{
    va_list a; va_start(a, rq); void *p = va_arg(a, void *); va_end(a);
    if (fd >= 0 && fd < MAXFD) switch (kind[fd]) {
    case K_SPI: if (_IOC_TYPE(rq) == SPI_IOC_MAGIC) return spi_ioctl(fd, rq, p); break;
    case K_CHIP: if (_IOC_TYPE(rq) == 0xB4) return chip_ioctl(fd, rq, p); break;
    case K_LINE: if (_IOC_TYPE(rq) == 0xB4) return line_ioctl(fd, rq, p); break;
    }
    return r_ioctl(fd, rq, p);
}
