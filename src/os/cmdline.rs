//! The kernel's command line.

/// The last value of a parameter that is a number. Words behind `--` are for the first process, not for the kernel.
pub fn number(line: &str, parameter: &str) -> Option<usize> {
    let words = words(line).take_while(|word| word != "--");
    let values = words.filter_map(|word| parse(word.split_once('=').filter(|(name, _)| *name == parameter)?.1));
    values.last()
}

/// The words of a line, without their quotes, within which blanks are no ends (lib/cmdline.c, next_arg).
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut quoted = false;
    let words = line.split(move |c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    words.map(|word| word.replace('"', ""))
}

/// As the kernel reads numbers, with the base in front (lib/kstrtox.c).
fn parse(value: &str) -> Option<usize> {
    let digits = value.strip_prefix('+').unwrap_or(value);
    let (digits, base) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', _, ..] => (digits, 8),
        _ => (digits, 10),
    };
    // What `from_str_radix` would take and the kernel does not.
    let sign = digits.starts_with(['+', '-']);
    usize::from_str_radix(digits, base).ok().filter(|_| !sign)
}
