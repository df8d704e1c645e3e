//! The OpenAPI document as the daemon gives it, and answers held against it.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::admin::App;
use crate::support::wire::Answer;

/// The document, as the daemon gives it.
pub(crate) struct Document(pub(crate) Value);

impl Document {
    pub(crate) fn of(app: &App) -> Self {
        Self(app.json("/api/v1/openapi.json"))
    }

    /// What a reference leads to, or the value itself.
    pub(crate) fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("a reference within the document");
                self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
            None => value,
        }
    }

    /// Every operation: its method in upper case, its path, and what is said of it.
    pub(crate) fn operations(&self) -> Vec<(String, &str, &Value)> {
        let paths = self.0["paths"].as_object().expect("paths");
        paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().expect("methods").iter();
                methods.map(|(method, operation)| (method.to_uppercase(), &**path, operation))
            })
            .collect()
    }

    /// The parameters of an operation that stand in `place`: name and schema.
    pub(crate) fn parameters<'d>(
        &'d self,
        operation: &'d Value,
        place: &str,
    ) -> Vec<(&'d str, &'d Value)> {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let resolved = parameters.map(|one| self.resolved(one));
        let named = resolved.filter(|one| one["in"] == place);
        named.map(|one| (one["name"].as_str().expect("a name"), &one["schema"])).collect()
    }

    pub(crate) fn schema(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }
}

/// Checks answers against the document, and lets nothing through that it does not mention.
pub(crate) struct Checker<'d> {
    document: &'d Document,
    validators: BTreeMap<String, Validator>,
    /// Each operation with each status that was seen.
    pub(crate) seen: BTreeSet<String>,
}

impl<'d> Checker<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        let mut strict = document.0.clone();
        close(&mut strict["components"]["schemas"]);
        let mut validators = BTreeMap::new();
        for (method, path, operation) in document.operations() {
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let contents = document.resolved(response)["content"].as_object();
                for (content_type, content) in contents.into_iter().flatten() {
                    let mut schema = content["schema"].clone();
                    schema["components"] = strict["components"].clone();
                    let options = jsonschema::draft202012::options().should_validate_formats(true);
                    let validator = options.build(&schema).expect("a schema");
                    validators
                        .insert(format!("{method} {path} {status} {content_type}"), validator);
                }
            }
        }
        Self { document, validators, seen: BTreeSet::new() }
    }

    /// The answer is one that the document knows for this operation.
    pub(crate) fn check(&mut self, method: &str, path: &str, answer: &Answer, sent: &str) {
        let operation = &self.document.0["paths"][path][method.to_lowercase()];
        let status = answer.status.to_string();
        let said = || format!("{method} {sent}: {status} {}", answer.text());
        let response = self.document.resolved(&operation["responses"][&status]);
        assert!(response.is_object(), "not documented: {}", said());
        self.seen.insert(format!("{} {status}", operation["operationId"].as_str().expect("an id")));
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let given = answer.header(&name.to_lowercase());
            assert!(given.is_some() || header["required"] != true, "no {name}: {}", said());
        }
        let Some(content_type) = answer.header("content-type") else {
            assert!(answer.body.is_empty() && response["content"].is_null(), "{}", said());
            return;
        };
        let validator = self.validators.get(&format!("{method} {path} {status} {content_type}"));
        let validator = validator.unwrap_or_else(|| panic!("{content_type}: {}", said()));
        let errors: Vec<_> = validator.iter_errors(&answer.json()).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {}", said());
    }
}

/// Forbids every property that a schema does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && object.get("type") == Some(&json!("object")) {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
