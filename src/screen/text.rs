//! Text from outside, made safe for a screen, and broken into lines.

/// The text as glyphs that are one column wide each, in one line. Control characters, and characters whose width differs from
/// terminal to terminal, become question marks; if `plain`, all that is not ASCII.
pub fn sanitized(text: &str, plain: bool) -> String {
    let safe = |c: char| match c {
        ' '..='~' => c,
        _ if c.is_whitespace() => ' ',
        '\u{a1}'..='\u{ac}'
        | '\u{ae}'..='\u{2ff}'
        | '\u{370}'..='\u{377}'
        | '\u{37a}'..='\u{482}'
        | '\u{48a}'..='\u{52f}'
        | '\u{2010}'..='\u{2027}'
            if !plain =>
        {
            c
        }
        _ => '?',
    };
    text.chars().map(safe).collect()
}

/// The [sanitized] text in at most `lines` lines of at most `cols` columns, broken between words. If the text is longer, the last
/// line ends in an ellipsis.
pub fn wrapped(text: &str, cols: usize, lines: usize, plain: bool) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let mut out = vec![String::new()];
    for word in sanitized(text, plain).split_whitespace() {
        let line = out.last_mut().expect("there is at least one line");
        if line.is_empty() {
            line.push_str(word);
        } else if length(line) + 1 + length(word) <= cols {
            line.push(' ');
            line.push_str(word);
        } else {
            out.push(word.into());
        }
        // A word that is longer than a line is cut.
        while let Some(line) = out.last_mut()
            && let Some((cut, _)) = line.char_indices().nth(cols.max(1))
        {
            let rest = line.split_off(cut);
            out.push(rest);
        }
    }
    if out.len() > lines && lines > 0 {
        let rest = out.split_off(lines - 1).join(" ");
        let ellipsis = if plain { "..." } else { "…" };
        let room = cols.saturating_sub(length(ellipsis));
        let kept: String = rest.chars().take(room).collect();
        out.push(kept.trim_end().to_string() + ellipsis);
    }
    out.truncate(lines);
    out
}

/// The word with a blank between its letters.
pub fn spaced(word: &str) -> String {
    let letters: Vec<String> = word.chars().map(String::from).collect();
    letters.join(" ")
}
