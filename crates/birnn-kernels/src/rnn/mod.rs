//! Stacks of recurrent layers. A batch is cut into chunks of samples, and each worker takes its chunks
//! through all layers and time steps with no other worker to wait for.
//!
//! The order in which to read: `spec` and `states` say what is computed, `packed` and `workspace` hold it,
//! with rows as `padded` has them and buffers as `chunk` has them, `steps` says who takes part in a step,
//! `segments` which steps are kept, `forward` and `backward` go through the layers, `backward_through_time`
//! through the steps, `cell` through a step; `gradients` are what comes of it.

mod backward;
mod backward_through_time;
mod cell;
mod chunk;
mod forward;
mod gradients;
mod lengths;
mod packed;
mod padded;
mod segments;
mod spec;
mod states;
mod steps;
#[cfg(test)]
mod tests;
mod workspace;

pub use backward::{backward, state_gradients};
pub use birnn_architecture::Cell;
pub use forward::{forward, infer};
pub use lengths::Lengths;
pub use packed::Packed;
pub use spec::{OutputMode, Spec};
pub use states::{Input, StateGradient, States};
pub use workspace::Workspace;
