/* Part of pishim.c: the commands of the outside world. */

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
