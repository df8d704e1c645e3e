//! JSON as a person reads it: one thing a line, in the order and with the digits in which it came.

use super::format::escape;

/// The text set out in lines, cut after about `most` bytes of HTML, and whether it was. What is no
/// JSON comes out in some order of lines, but whole.
pub(super) fn set_out(text: &str, most: usize) -> (String, bool) {
    let mut out = String::new();
    let mut depth: usize = 0;
    // What `&quot;` and the like take more than what they stand for.
    let mut escapes: usize = 0;
    let (mut in_text, mut escaped) = (false, false);
    let mut characters = text.char_indices().filter(|(_, one)| *one != '\r').peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
    };
    while let Some((_, one)) = characters.next() {
        if out.len() + escapes >= most {
            return (out, true);
        }
        escapes += escape(one);
        if in_text {
            out.push(one);
            in_text = escaped || one != '"';
            escaped = one == '\\' && !escaped;
            continue;
        }
        match one {
            ' ' | '\n' | '\t' => {}
            '"' => {
                in_text = true;
                out.push(one);
            }
            '{' | '[' => {
                out.push(one);
                let close = if one == '{' { '}' } else { ']' };
                while characters.next_if(|(_, next)| next.is_ascii_whitespace()).is_some() {}
                if characters.next_if(|(_, next)| *next == close).is_some() {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(one);
            }
            ',' => {
                out.push(one);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(one),
        }
    }
    (out, false)
}

/// Deeper things are not set in any further.
const DEEPEST: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn order_and_digits_stay() {
        let text = r#"{"b":1.50,"a":[ ],"c":{"x":"a,\"{b\\"},"d":[1,2], "e":{}}"#;
        let (out, cut) = set_out(text, 10_000);
        assert_eq!(
            out,
            "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"c\": {\n    \"x\": \"a,\\\"{b\\\\\"\n  },\n  \
             \"d\": [\n    1,\n    2\n  ],\n  \"e\": {}\n}"
        );
        assert!(!cut);
    }

    #[test]
    fn it_is_cut_and_never_grows_without_bound() {
        let (out, cut) = set_out(&"[".repeat(100_000), 1_000);
        assert!(cut && out.len() < 1_100, "{}", out.len());
        let (out, cut) = set_out(&format!("\"{}\"", "é".repeat(100_000)), 1_000);
        assert!(cut && out.len() < 1_100, "{}", out.len());
        let (out, cut) = set_out(&format!("\"{}\"", "\\\"<&>".repeat(1_000)), 1_000);
        let html = maud::html! { (out) }.into_string();
        assert!(cut && (1_000..1_010).contains(&html.len()), "{}", html.len());
    }

    proptest! {
        #[test]
        fn it_says_the_same(value in any_json()) {
            let text = value.to_string();
            let (out, _) = set_out(&text, usize::MAX);
            prop_assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON"), value);
        }

        #[test]
        fn anything_is_set_out(text in ".*") {
            set_out(&text, 100);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
