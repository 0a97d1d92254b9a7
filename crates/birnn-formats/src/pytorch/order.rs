//! The order in which PyTorch's modules list their parameters, told from names.
//!
//! Only state dicts for PyTorch have this order. Everything else is sorted by name, checkpoints too.

use birnn_architecture::{HEAD, Weight};

/// Sorts names as the state dict of a PyTorch module has them: modules with recurrent layers, then others,
/// then the head `fc`; layer by layer and direction by direction; weights before biases. Code that walks two
/// state dicts side by side, or the state of an optimizer by position, depends on it.
pub(super) fn of(name: &str) -> impl Ord + use<> {
    let (module, parameter) = name.rsplit_once('.').unwrap_or(("", name));
    // `weight_hh_l0_reverse`
    let recurrent = parameter.rsplit_once("_l").and_then(|(kind, layer)| {
        let kind = Weight::ALL.iter().position(|known| known.kind() == kind)?;
        let reverse = layer.strip_suffix("_reverse");
        Some((reverse.unwrap_or(layer).parse::<usize>().ok()?, reverse.is_some(), kind))
    });
    let kind = OTHERS.iter().position(|known| *known == parameter).unwrap_or(OTHERS.len());
    let rank = match recurrent {
        Some(_) => 0,
        None if module.rsplit('.').next() == Some(HEAD) => 2,
        None => 1,
    };
    (rank, module.to_owned(), recurrent, kind, parameter.to_owned())
}

/// In the order of `torch.nn.Linear`.
const OTHERS: [&str; 2] = ["weight", "bias"];
