//! The ways in: a phone and a talklight in network namespaces of their own, from `--web` to a paired phone. Needs root and `ip`;
//! elsewhere each test says that it is skipped.

use std::process::Stdio;

use crate::child::{self, Program};
use crate::harness::{Folder, Instance, TALKLIGHT, text, until};
use crate::terminal::Terminal;

/// A machine in a network of its own, with a phone beside it.
struct Machine {
    house: Instance,
    /// The process that keeps the machine's network.
    machine: Program,
    /// The process that keeps the phone's.
    phone: Program,
    daemon: Option<Program>,
}

impl Machine {
    /// `None` where this is not possible, after a word about it.
    fn new(config: &str) -> Option<Self> {
        let alone = |script: &str| {
            let mut command = child::command("unshare");
            command.args(["--net", "sh", "-c", script]).stdin(Stdio::null());
            command
        };
        let can =
            "ip link set lo up && ip link add wifi0 type veth peer name wifi1 && command -v nsenter && command -v bash";
        let is_able = nix::unistd::geteuid().is_root() && child::run(alone(can)).status.success();
        if !is_able {
            eprintln!("skipped: network namespaces need root, `ip`, `unshare` and `nsenter`");
            return None;
        }
        let keep = || {
            let mut holder = Program::spawn(alone("ip link set lo up; echo up; exec sleep infinity"));
            assert_eq!(holder.next_line(), "up");
            holder
        };
        let mut house = Instance::new(config);
        let state = house.folder.file("state").display().to_string();
        house.env("XDG_STATE_HOME", &state);
        house.env("LC_ALL", "C.UTF-8");
        house.env("TERM", "xterm-256color");
        Some(Self { house, machine: keep(), phone: keep(), daemon: None })
    }

    fn pid(&self) -> String {
        self.machine.child.id().to_string()
    }

    /// Runs a script in the machine's network.
    #[track_caller]
    fn sh(&self, script: &str) -> String {
        run_in(&self.pid(), script)
    }

    /// Gives the machine an interface with these addresses, which is up. Nothing is at its other end.
    #[track_caller]
    fn interface(&self, name: &str, addresses: &[&str]) {
        // The kernel sends no packets for the check that an IPv6 address is free.
        let add = |address: &&str| {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            format!("ip addr add {address} dev {name}{nodad};")
        };
        let add: String = addresses.iter().map(add).collect();
        self.sh(&format!(
            "set -e; ip link add {name} type veth peer name far-{name}; {add} ip link set {name} up; ip link set far-{name} up"
        ));
    }

    /// As [`Self::interface`], with the phone at its other end.
    #[track_caller]
    fn wifi(&self, name: &str, addresses: &[&str], phones: &[&str]) {
        self.interface(name, addresses);
        let phone = self.phone.child.id().to_string();
        self.sh(&format!("ip link set far-{name} netns {phone}"));
        let add = |address: &&str| {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            format!("ip addr add {address} dev far-{name}{nodad};")
        };
        let add: String = phones.iter().map(add).collect();
        run_in(&phone, &format!("set -e; {add} ip link set far-{name} up"));
        until("the Wi-Fi is up", || self.sh(&format!("ip link show {name}")).contains("state UP"));
    }

    /// Starts the daemon with these flags.
    fn start(&mut self, flags: &[&str]) {
        let mut command = self.inside(&[&["--headless"], flags].concat());
        command.stdin(Stdio::null());
        let daemon = Program::spawn(command);
        until("the web is open", || daemon.lines().iter().any(|line| line.contains("stage view: ")));
        self.daemon = Some(daemon);
    }

    /// talklight in the machine's network.
    fn inside(&self, arguments: &[&str]) -> std::process::Command {
        let wanted = self.house.command(arguments);
        let mut command = child::command("nsenter");
        command.args(["--net", "--target", &self.pid(), TALKLIGHT]).args(wanted.get_args());
        command.env_clear().current_dir(self.house.folder.path());
        for (name, value) in wanted.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
    }

    fn remote(&self) -> Invited {
        let output = child::run(self.inside(&["remote"]));
        assert!(output.status.success(), "{}", text(&output.stderr));
        Invited(text(&output.stdout))
    }

    /// Opens the remote on the phone by the address of the invitation, and pairs it with the code.
    #[track_caller]
    fn pairs_by(&self, invited: &Invited) {
        let address = invited.address();
        let base = address.strip_prefix("http://").unwrap().strip_suffix("/remote").unwrap();
        let (ip, port) = base.rsplit_once(':').unwrap();
        let ask = |request: &str| {
            let script = format!(
                "exec 3<>/dev/tcp/{}/{port} && printf '{}' >&3 && cat <&3",
                ip.trim_matches(['[', ']']),
                request.replace('\n', "\\r\\n")
            );
            let mut command = child::command("nsenter");
            let phone = self.phone.child.id().to_string();
            command.args(["--net", "--target", &phone, "bash", "-c", &script]);
            text(&child::run(command).stdout)
        };
        let page = ask(&format!("GET /remote HTTP/1.1\nHost: {base}\nConnection: close\n\n"));
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        let body = format!("{{\"answer\":\"{}\"}}", invited.code());
        let paired = ask(&format!(
            "POST /api/v1/pair HTTP/1.1\nHost: {base}\nOrigin: http://{base}\nContent-Length: {}\nConnection: close\n\n{body}",
            body.len()
        ));
        assert!(paired.starts_with("HTTP/1.1 200"), "{paired}");
    }
}

/// What `talklight remote` says.
struct Invited(String);

impl Invited {
    fn line(&self) -> &str {
        self.0.lines().find(|line| line.contains("   code ")).unwrap_or_else(|| panic!("no address in: {}", self.0))
    }

    fn address(&self) -> &str {
        self.line().split(' ').next().unwrap()
    }

    fn code(&self) -> String {
        self.line().split("   code ").nth(1).unwrap().replace(' ', "")
    }

    fn others(&self) -> Vec<&str> {
        let line = self.0.lines().find_map(|line| line.strip_prefix("or "));
        line.map_or_else(Vec::new, |line| line.split(" or ").collect())
    }

    fn has_qr(&self) -> bool {
        self.0.contains('█')
    }
}

#[track_caller]
fn run_in(pid: &str, script: &str) -> String {
    let mut command = child::command("nsenter");
    command.args(["--net", "--target", pid, "sh", "-c", script]);
    let output = child::run(command);
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_laptop_with_one_wifi() {
    let Some(mut laptop) = Machine::new("") else { return };
    laptop.wifi("wlan0", &["192.168.1.7/24", "fd00::7/64"], &["192.168.1.20/24", "fd00::20/64"]);
    laptop.sh("ip route add default via 192.168.1.1");
    laptop.start(&["--web"]);
    let invited = laptop.remote();
    assert_eq!(invited.address(), "http://192.168.1.7:8080/remote");
    assert_eq!(invited.others(), ["http://[fd00::7]:8080/remote"]);
    assert!(invited.has_qr(), "{}", invited.0);
    laptop.pairs_by(&invited);
    // The other address works as well.
    let again = laptop.remote();
    laptop.pairs_by(&Invited(format!("{}   code {}", invited.others()[0], again.code())));
}

#[test]
fn a_laptop_with_vpn_docker_libvirt_usb_gadget_and_tailscale() {
    let Some(mut laptop) = Machine::new("") else { return };
    // Every one of them is older than the Wi-Fi, and has a lower address.
    for (name, address) in [
        ("docker0", "172.17.0.1/16"),
        ("br-4d2f6c", "172.18.0.1/16"),
        ("virbr0", "192.168.122.1/24"),
        ("usb0", "10.55.0.1/29"),
        ("tailscale0", "100.101.102.103/32"),
        ("wg0", "10.8.0.2/24"),
    ] {
        laptop.interface(name, &[address]);
    }
    laptop.wifi("wlan0", &["192.168.1.7/24"], &["192.168.1.20/24"]);
    laptop.sh("ip route add default via 192.168.1.1 metric 600");
    laptop.start(&["--web"]);
    let expected =
        ["http://10.55.0.1:8080/remote", "http://10.8.0.2:8080/remote", "http://100.101.102.103:8080/remote"];
    let invited = laptop.remote();
    assert_eq!((invited.address(), invited.others()), ("http://192.168.1.7:8080/remote", expected.to_vec()));
    // The VPN takes all traffic, in the way of OpenVPN, and then in that of a second default route.
    for takes_all in [
        "ip route add 0.0.0.0/1 via 10.8.0.1; ip route add 128.0.0.0/1 via 10.8.0.1",
        "ip route add default via 10.8.0.1",
    ] {
        laptop.sh(takes_all);
        let invited = laptop.remote();
        assert_eq!((invited.address(), invited.others()), ("http://192.168.1.7:8080/remote", expected.to_vec()));
    }
    laptop.pairs_by(&laptop.remote());
}

#[test]
fn a_network_that_comes_later() {
    let Some(mut laptop) =
        Machine::new("[[plan]]\nname = \"x\"\nlength = \"1h\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"0s\"")
    else {
        return;
    };
    laptop.interface("docker0", &["172.17.0.1/16"]);
    laptop.start(&["--web"]);
    let none = laptop.remote();
    assert!(none.0.contains("this machine is in no network yet; the QR code comes by itself"), "{}", none.0);
    assert!(!none.has_qr() && !none.0.contains("172.17"), "{}", none.0);
    // A console shows the sentence, and the code when there is a network. So does the command in a terminal.
    let mut terminals = Vec::new();
    for arguments in ["console", "remote"] {
        let command = pty_process::blocking::Command::from(laptop.inside(&[arguments]));
        terminals.push(Terminal::run(command, (100, 40)));
    }
    terminals[0].sees("R E A D Y");
    terminals[0].keys("p");
    for terminal in &terminals {
        terminal.sees("this machine is in no network yet");
        assert!(!terminal.text().contains("remote"), "{}", terminal.text());
    }
    laptop.wifi("wlan0", &["192.168.1.7/24"], &["192.168.1.20/24"]);
    for terminal in &terminals {
        terminal.sees("http://192.168.1.7:8080/remote");
        terminal.sees("▀");
    }
    laptop.pairs_by(&laptop.remote());
}

#[test]
fn a_network_of_ipv6_alone() {
    let Some(mut laptop) = Machine::new("") else { return };
    laptop.wifi("wlan0", &["2001:db8:1::7/64", "fd00::7/64"], &["2001:db8:1::20/64", "fd00::20/64"]);
    laptop.sh("ip -6 route add default via 2001:db8:1::1 dev wlan0");
    laptop.start(&["--web"]);
    let invited = laptop.remote();
    assert_eq!(invited.address(), "http://[2001:db8:1::7]:8080/remote");
    laptop.pairs_by(&invited);
}

#[test]
fn a_machine_whose_ipv6_is_off() {
    let Some(mut laptop) = Machine::new("") else { return };
    laptop.sh("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    laptop.wifi("wlan0", &["192.168.1.7/24"], &["192.168.1.20/24"]);
    laptop.start(&["--web"]);
    let invited = laptop.remote();
    assert_eq!((invited.address(), invited.others()), ("http://192.168.1.7:8080/remote", vec![]));
    laptop.pairs_by(&invited);
}

#[test]
fn a_system_that_separates_ipv6_from_ipv4() {
    let Some(mut laptop) = Machine::new("") else { return };
    laptop.sh("echo 1 > /proc/sys/net/ipv6/bindv6only");
    laptop.wifi("wlan0", &["192.168.1.7/24"], &["192.168.1.20/24"]);
    laptop.start(&["--web"]);
    laptop.pairs_by(&laptop.remote());
}

#[test]
fn the_local_name_is_told_only_where_a_responder_answers() {
    let Some(mut laptop) = Machine::new("") else { return };
    laptop.wifi("wlan0", &["192.168.1.7/24"], &["192.168.1.20/24"]);
    laptop.start(&["--web"]);
    assert!(!laptop.remote().0.contains(".local"), "{}", laptop.remote().0);
    let listen = "use Socket; socket(S, PF_INET, SOCK_DGRAM, 17); bind(S, pack_sockaddr_in(5353, INADDR_ANY)) or die; \
                  if ($ARGV[0]) { $< = $> = $ARGV[0] } $| = 1; print \"up\\n\"; sleep 1000";
    let responder = |uid: &str| {
        let mut command = child::command("nsenter");
        command.args(["--net", "--target", &laptop.pid(), "perl", "-e", listen, uid]);
        let mut responder = Program::spawn(command);
        assert_eq!(responder.next_line(), "up");
        responder
    };
    let _system = responder("0");
    let host = laptop.sh("uname -n");
    let name = format!("http://{}.local:8080/remote", host.trim().split('.').next().unwrap());
    assert_eq!(laptop.remote().others(), [name]);
}

/// As systemd starts the service: with a port of the machine, and in a network of its own.
#[test]
fn a_service_without_a_network() {
    let Some(mut pi) = Machine::new("") else { return };
    pi.wifi("wlan0", &["192.168.1.7/24"], &["192.168.1.20/24"]);
    let give = "use Socket; $^F = 9; socket(S, PF_INET, SOCK_STREAM, 6); \
                bind(S, pack_sockaddr_in(8080, INADDR_ANY)) && listen(S, 9) or die; fileno(S) == 3 or die; \
                exec('unshare', '--net', 'sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"', 'sh', @ARGV)";
    let wanted = pi.inside(&["--headless"]);
    let mut command = child::command("nsenter");
    command.args(["--net", "--target", &pi.pid(), "perl", "-e", give]).args(wanted.get_args().skip(3));
    let envs = wanted.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(envs).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(pi.house.folder.path());
    let daemon = Program::spawn(command);
    until("the web is open", || daemon.lines().iter().any(|line| line.contains("stage view: ")));
    let service = daemon.child.id().to_string();
    pi.daemon = Some(daemon);
    // What the service itself knows, as for a phone that hands over.
    let known = || {
        let mut command = pi.inside(&["remote"]);
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let envs: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
        command = child::command("nsenter");
        command.args(["--net", "--target", &service]).args(&arguments[3..]);
        command.env_clear().envs(envs).current_dir(pi.house.folder.path());
        Invited(text(&child::run(command).stdout))
    };
    assert!(!known().has_qr(), "{}", known().0);
    // The command is a user's, who has the machine's network.
    let invited = pi.remote();
    assert_eq!(invited.address(), "http://192.168.1.7:8080/remote");
    pi.pairs_by(&invited);
    assert_eq!(known().address(), "http://192.168.1.7:8080/remote");
    assert!(known().has_qr());
}

#[test]
fn a_taken_port_on_all_addresses_is_told_with_its_owner() {
    let Some(mut laptop) = Machine::new("") else { return };
    laptop.interface("wlan0", &["192.168.1.7/24"]);
    laptop.start(&["--web"]);
    let pid = laptop.daemon.as_ref().unwrap().child.id();
    // In a folder of its own, so that it has a socket of its own.
    let folder = Folder::new();
    std::fs::write(folder.file("config.toml"), "").unwrap();
    let mut second = laptop.inside(&["--headless", "--web"]);
    second.current_dir(folder.path());
    let second = Program::spawn(second);
    let checked = text(&child::run(laptop.inside(&["check", "--web"])).stdout);
    assert!(checked.contains("\nphones open http://192.168.1.7:8080/remote\n"), "{checked}");
    let other = Program::spawn({
        let listen = "use Socket; socket(S, PF_INET, SOCK_STREAM, 6); \
                      bind(S, pack_sockaddr_in(8090, INADDR_ANY)) && listen(S, 9) or die; $| = 1; print \"up\\n\"; sleep 1000";
        let mut command = child::command("nsenter");
        command.args(["--net", "--target", &laptop.pid(), "perl", "-e", listen]);
        command
    });
    until("it listens", || !other.lines().is_empty());
    let checked = text(&child::run(laptop.inside(&["check", "--web=:8090"])).stdout);
    let taken = format!("\nbut port 8090 is taken: process {} (perl) listens on it; stop it, or", other.child.id());
    assert!(checked.contains(&taken), "{checked}");
    let why = format!(
        "Address already in use (os error 98); process {pid} (talklight) uses this port; stop it, or choose another port, as with --web=:8081"
    );
    until(&why, || second.lines().iter().any(|line| line.contains(&why)));
}
