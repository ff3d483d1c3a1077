//! The kernel's command line.

use talklight::os::cmdline::number;

#[test]
fn numbers_are_parsed_as_in_the_kernel() {
    let bufsiz = |line| number(line, "spidev.bufsiz");
    for line in [
        "spidev.bufsiz=65536",
        "console=tty1 spidev.bufsiz=0x10000 rootwait",
        "spidev.bufsiz=0X10000\n",
        "spidev.bufsiz=0200000",
        "spidev.bufsiz=+65536",
        "spidev.bufsiz=\"65536\"",
        "\"spidev.bufsiz=65536\"",
        "a=\"b -- c\" spidev.bufsiz=65536",
        "spidev.bufsiz=4096 spidev.bufsiz=65536",
        "spidev.bufsiz=65536 spidev.bufsiz=64k",
        "spidev.bufsiz=65536 -- spidev.bufsiz=4096",
    ] {
        assert_eq!(bufsiz(line), Some(65536), "{line}");
    }
    for line in [
        "",
        "bufsiz=65536",
        "spidev.bufsiz",
        "spidev.bufsiz=",
        "spidev.bufsiz=0x",
        "spidev.bufsiz=0x+10000",
        "spidev.bufsiz=++1",
        "spidev.bufsiz=65536k",
        "splash -- spidev.bufsiz=65536",
        "a=\"spidev.bufsiz=65536 b\"",
    ] {
        assert_eq!(bufsiz(line), None, "{line}");
    }
}
