/* Part of pishim.c: reads, writes and ioctls of the SPI device and the GPIO chip. */

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
