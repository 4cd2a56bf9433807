//! Text that came over the wire, made fit for messages: short, one line, and without anything that looks like a token.

/// Longest message kept, in characters.
const LONGEST: usize = 4096;
/// A JSON object in base64url starts like this, and so does every JSON web token.
const TOKEN_START: &str = "eyJ";

/// `text` on one line, shortened to 4,096 characters, with whatever looks like a JSON web token left out.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        push_word(&mut out, word);
    }
    match out.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            out.truncate(end);
            out.push('…');
            out
        }
        None => out,
    }
}

fn push_word(out: &mut String, word: &str) {
    let mut rest = word;
    while let Some((before, after)) = rest.split_once(TOKEN_START) {
        let body: usize = after
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '='))
            .map(char::len_utf8)
            .sum();
        out.push_str(before);
        if body < 16 {
            out.push_str(TOKEN_START);
            rest = after;
        } else {
            out.push_str("[redacted]");
            rest = after.get(body..).unwrap_or_default();
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_left_out_wherever_they_stand() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_";
        for text in [
            format!("Bearer {token}"),
            format!("assertion='{token}'"),
            token.to_owned(),
        ] {
            let cleaned = clean(&text);
            assert!(
                cleaned.contains("[redacted]") && !cleaned.contains("eyJ") && !cleaned.contains("c2ln"),
                "{cleaned}"
            );
        }
        assert_eq!(clean("eyJack is a name"), "eyJack is a name");
    }

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(clean("a\r\n  b\u{0}c\n"), "a b c");
        assert_eq!(clean(&"ä".repeat(9000)).chars().count(), LONGEST + 1);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cleaned(text in "\\PC*") {
            let once = clean(&text);
            proptest::prop_assert_eq!(clean(&once), once);
        }
    }
}
