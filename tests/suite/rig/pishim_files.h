/* Part of pishim.c: open, stat, poll and the other calls on files. */

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
