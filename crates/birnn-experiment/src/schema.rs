//! The JSON schema of experiment files: what editors complete and check by, and what there is to suggest.
//!
//! The schema is draft 7 with everything inlined: editors' validators know nothing newer, and lose
//! descriptions beside `$ref`. Nulls and Rust's formats are removed, since TOML has neither. Settings that
//! contradict each other are not its business: `resolve` finds them.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::experiment::Experiment;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    // Draft 7 is the newest that every editor's validator knows. Inlined, a setting keeps its own
    // description.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Experiment>().to_value();
    plain(&mut schema);
    schema
});

/// The JSON schema of an experiment file.
pub fn schema() -> &'static Value {
    &SCHEMA
}

/// What the schema says of the setting or table at `path`.
pub(crate) fn of(path: &[impl AsRef<str>]) -> Option<&'static Value> {
    path.iter().try_fold(schema(), |schema, key| properties(schema)?.get(key.as_ref()))
}

/// The dotted keys of all settings called `name`.
pub(crate) fn called(name: &str) -> Vec<String> {
    fn collect(schema: &Value, name: &str, prefix: &str, found: &mut Vec<String>) {
        for (key, schema) in properties(schema).into_iter().flatten() {
            if key == name {
                found.push(format!("{prefix}{key}"));
            }
            collect(schema, name, &format!("{prefix}{key}."), found);
        }
    }
    let mut found = Vec::new();
    collect(schema(), name, "", &mut found);
    found
}

/// The settings in a table, one that may be written otherwise included.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let mut tables = std::iter::once(schema).chain(choices.into_iter().flatten());
    tables.find_map(|schema| schema.get("properties")?.as_object())
}

/// Takes out what TOML does not have or editors do not know, in `schema` and what it is made of.
fn plain(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    for key in ["anyOf", "oneOf"] {
        schema.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(plain);
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(plain);
    }
    if let Some(items) = schema.get_mut("items") {
        plain(items);
    }
    // Rust's integers, such as `uint`, are no format of JSON schemas; the bounds are there all the same.
    schema.remove("format");
    without_null(schema);
    // Of a table, each setting tells its own.
    if schema.get("default").is_some_and(|default| default.is_null() || default.is_object()) {
        schema.remove("default");
    }
    if let Some(choices) = schema.remove("oneOf") {
        match names(&choices) {
            Some((names, told)) => {
                schema.insert("type".to_owned(), json!("string"));
                schema.insert("enum".to_owned(), names);
                schema.insert("x-taplo".to_owned(), json!({ "docs": { "enumValues": told } }));
            }
            None => drop(schema.insert("oneOf".to_owned(), choices)),
        }
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}

/// What may be left out is absent in TOML, never null.
fn without_null(schema: &mut Map<String, Value>) {
    let null = json!("null");
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| *name != null);
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| choice.get("type") != Some(&null));
    if let [Value::Object(only)] = choices.as_mut_slice() {
        let only = std::mem::take(only);
        schema.remove("anyOf");
        for (key, value) in only {
            schema.entry(key).or_insert(value);
        }
    }
}

/// The names of a choice among constants, and what is told of each.
fn names(choices: &Value) -> Option<(Value, Vec<&Value>)> {
    let choices = choices.as_array()?;
    let names: Option<Vec<Value>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
    Some((Value::from(names?), choices.iter().map(|choice| &choice["description"]).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_tells_its_type_bounds_default_and_meaning() {
        let layers = of(&["model", "layers"]).unwrap();
        assert_eq!(
            *layers,
            json!({
                "type": "integer", "minimum": 1, "maximum": 100, "default": 2,
                "description": "How many recurrent layers are stacked."
            })
        );
        assert_eq!(
            of(&["model", "readout"]).unwrap()["enum"],
            json!(["last", "final", "mean", "max", "attention"])
        );
        assert_eq!(of(&["train", "clip_norm"]).unwrap()["type"], "number");
        assert_eq!(of(&["model", "hidden", "reverse"]).unwrap()["maximum"], 65_536);
        assert_eq!(of(&["train", "early_stop"]).unwrap()["required"], json!(["patience"]));
        assert!(of(&["train", "patience"]).is_none());
        assert_eq!(called("kind"), ["task.kind", "train.optimizer.kind", "train.schedule.kind"]);
    }

    #[test]
    fn every_setting_is_described_and_no_table_takes_others() {
        fn check(schema: &Value, path: &str) {
            assert!(schema["description"].is_string(), "{path}");
            assert!(!schema.to_string().contains("null"), "{path}: {schema}");
            if schema.get("properties").is_some() {
                assert_eq!(schema["additionalProperties"], false, "{path}");
            }
            for (key, schema) in properties(schema).into_iter().flatten() {
                check(schema, &format!("{path}.{key}"));
            }
        }
        check(schema(), "");
    }
}
