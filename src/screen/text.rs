//! Foreign text made fit for a screen.

/// Text in one line of glyphs of one column each: what is no glyph, or has a width that terminals disagree on, becomes a
/// question mark.
pub fn tamed(text: &str, plain: bool) -> String {
    let tame = |c: char| match c {
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
    text.chars().map(tame).collect()
}

/// Tame lines of at most `cols` columns, broken between words; where there would be more than `lines`, the last one ends in
/// an ellipsis.
pub fn wrapped(text: &str, cols: usize, lines: usize, plain: bool) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let mut out = vec![String::new()];
    for word in tamed(text, plain).split_whitespace() {
        let line = out.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if length(line) + 1 + length(word) <= cols {
            line.push(' ');
            line.push_str(word);
        } else {
            out.push(word.into());
        }
        // A word longer than a line is cut.
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

/// A word with its letters apart.
pub fn spaced(word: &str) -> String {
    let letters: Vec<String> = word.chars().map(String::from).collect();
    letters.join(" ")
}
