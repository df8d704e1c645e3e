//! JSON text with `${name}` wherever a value goes.

/// What takes the place of a name.
pub(crate) enum Slot<'a> {
    /// Text inside a JSON string, escaped on its way in.
    Text(&'a str),
    /// JSON, or any piece of it, as it is.
    Json(String),
}

/// The template with each `${name}` replaced by its slot; what a slot brings in is not searched.
///
/// Panics on a name that has no slot: templates are constants, each filled by a test.
pub(crate) fn fill(template: &str, slots: &[(&str, Slot<'_>)]) -> String {
    let mut pieces = template.split("${");
    let mut filled = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').expect("every name of a template ends");
        let slot = slots.iter().find(|(slot, _)| *slot == name);
        match slot.unwrap_or_else(|| panic!("the template's {name} has no slot")) {
            (_, Slot::Text(text)) => filled.push_str(&escaped(text)),
            (_, Slot::Json(json)) => filled.push_str(json),
        }
        filled.push_str(rest);
    }
    filled
}

/// The text of a JSON string without its quotes.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_never_searched_for_names() {
        let slots = [("a", Slot::Text("\"${b}\"\n")), ("b", Slot::Json("[1]".to_owned()))];
        assert_eq!(fill(r#"{"a":"x${a}","b":${b}}"#, &slots), r#"{"a":"x\"${b}\"\n","b":[1]}"#);
    }
}
