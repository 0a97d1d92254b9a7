//! Several nets in one state dict: averaged weights beside those that they are the averages of, each under a prefix.

use std::collections::BTreeSet;

use crate::state_dict::StateDict;

/// The key of what is under no prefix.
pub(crate) const OWN: &str = ".";

/// The weights whose names begin with `prefix`, which they lose.
pub(crate) fn select(weights: StateDict, prefix: &str) -> Result<StateDict, String> {
    let within = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned());
    let found: StateDict =
        weights.iter().filter_map(|(name, array)| Some((within(name)?, array.clone()))).collect();
    if found.is_empty() {
        let there = weights.keys().map(|name| name.split('.').next().unwrap_or_default());
        let there: BTreeSet<String> =
            there.map(|key| format!("`{}`", key.escape_debug())).take(100).collect();
        let there = there.into_iter().take(10).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "--key {}: there are no weights under it; its names begin with {there}",
            prefix.escape_debug()
        ));
    }
    Ok(found)
}

/// Without the weights of recurrent nets that are under a prefix, where there is one that is not.
pub(crate) fn own(mut weights: StateDict) -> StateDict {
    let nets: BTreeSet<String> = weights
        .keys()
        .filter_map(|name| name.strip_suffix("weight_ih_l0"))
        .map(net_of)
        .map(str::to_owned)
        .collect();
    if nets.contains("") {
        weights.retain(|name, _| !nets.iter().any(|net| !net.is_empty() && name.starts_with(net.as_str())));
    }
    weights
}

/// What the names of a whole net begin with, its dot included, told from what those of its recurrent layers begin with.
pub(crate) fn net_of(recurrent: &str) -> &str {
    let module = recurrent.trim_end_matches('.');
    module.rfind('.').map_or("", |dot| &recurrent[..=dot])
}
