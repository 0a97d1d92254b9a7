//! Any net and any batch, for properties that hold of all. `birnn-infer` is tested by the same.

use birnn_architecture::{Architecture, Cell, Readout};
use proptest::prelude::*;
use proptest::sample::select;

pub const CELLS: [Cell; 4] = [Cell::RnnTanh, Cell::RnnRelu, Cell::Gru, Cell::Lstm];
pub const READOUTS: [Readout; 6] =
    [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention, Readout::Sequence];

/// Small ones of every kind.
pub fn architecture() -> impl Strategy<Value = Architecture> {
    let units = || proptest::option::of(1_usize..20);
    let units = (units(), units()).prop_map(|(forward, reverse)| match (forward, reverse) {
        (None, None) => (Some(5), None),
        units => units,
    });
    (select(&CELLS[..]), 1_usize..4, units, select(&READOUTS[..])).prop_map(
        |(cell, layers, (forward, reverse), readout)| Architecture {
            cell,
            layers,
            forward,
            reverse,
            readout,
            ..Architecture::default()
        },
    )
}

/// The lengths of a batch, in any order.
pub fn lengths() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1_usize..=40, 1..=20)
}
