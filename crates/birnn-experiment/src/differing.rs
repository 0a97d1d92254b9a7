//! What is not the same in several values, key by key.

use std::collections::BTreeMap;

use serde_json::Value;

/// Each dotted key whose value is not the same in all `values`, with its value in each of them; `None` where
/// it is absent, or null.
pub fn differing(values: &[Value]) -> BTreeMap<String, Vec<Option<Value>>> {
    let mut all: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
    for (index, value) in values.iter().enumerate() {
        for (key, leaf) in leaves(value) {
            all.entry(key).or_insert_with(|| vec![None; values.len()])[index] = Some(leaf);
        }
    }
    all.retain(|_, found| found.iter().any(|leaf| *leaf != found[0]));
    all
}

/// The values in `value` that hold no others, by their dotted keys.
pub fn leaves(value: &Value) -> BTreeMap<String, Value> {
    let within = |key: String, value: &Value| {
        let name = |rest: String| if rest.is_empty() { key.clone() } else { format!("{key}.{rest}") };
        leaves(value).into_iter().map(|(rest, leaf)| (name(rest), leaf)).collect::<Vec<_>>()
    };
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| within(key.clone(), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(index, value)| within(index.to_string(), value)).collect()
        }
        Value::Null => BTreeMap::new(),
        leaf => BTreeMap::from([(String::new(), leaf.clone())]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_found_key_by_key() {
        let one = json!({ "seed": 1, "a": { "x": [1, 2], "y": "z" }, "train": { "stop": null } });
        let two =
            json!({ "seed": 2, "a": { "x": [1, 3, 4], "w": true }, "train": { "stop": { "after": 3 } } });
        let expected = BTreeMap::from([
            ("a.w".to_owned(), vec![None, Some(json!(true))]),
            ("a.x.1".to_owned(), vec![Some(json!(2)), Some(json!(3))]),
            ("a.x.2".to_owned(), vec![None, Some(json!(4))]),
            ("a.y".to_owned(), vec![Some(json!("z")), None]),
            ("seed".to_owned(), vec![Some(json!(1)), Some(json!(2))]),
            ("train.stop.after".to_owned(), vec![None, Some(json!(3))]),
        ]);
        assert_eq!(differing(&[one.clone(), two]), expected);
        assert!(differing(&[one.clone(), one.clone()]).is_empty());
        assert!(differing(&[one]).is_empty() && differing(&[]).is_empty());
    }

    #[test]
    fn one_of_many_suffices() {
        let values: Vec<Value> = [1, 1, 2].iter().map(|n| json!({ "n": n, "m": 0 })).collect();
        assert_eq!(differing(&values)["n"], [json!(1), json!(1), json!(2)].map(Some));
        assert_eq!(differing(&values).len(), 1);
    }
}
