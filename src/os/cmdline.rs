//! The kernel's command line.

/// The last value of a numeric parameter. Words after `--` are for the first process, not for the kernel.
pub fn number(line: &str, parameter: &str) -> Option<usize> {
    let words = words(line).take_while(|word| word != "--");
    let values = words.filter_map(|word| parse(word.split_once('=').filter(|(name, _)| *name == parameter)?.1));
    values.last()
}

/// The words of a line without quotes. A blank within quotes does not end a word (the kernel's lib/cmdline.c, next_arg).
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut quoted = false;
    let words = line.split(move |c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    words.map(|word| word.replace('"', ""))
}

/// Reads a number as the kernel does, with a prefix for the base (lib/kstrtox.c).
fn parse(value: &str) -> Option<usize> {
    let digits = value.strip_prefix('+').unwrap_or(value);
    let (digits, base) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', _, ..] => (digits, 8),
        _ => (digits, 10),
    };
    // `from_str_radix` would accept a sign; the kernel does not.
    let sign = digits.starts_with(['+', '-']);
    usize::from_str_radix(digits, base).ok().filter(|_| !sign)
}
