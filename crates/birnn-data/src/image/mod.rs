//! Images: reading them, preparing and varying them, drawing them.

pub(crate) mod appearance;
pub(crate) mod augment;
pub(crate) mod conversion;
pub(crate) mod folder;
pub(crate) mod folder_problem;
pub(crate) mod frame;
pub(crate) mod idx;
pub(crate) mod images;
pub mod picture;
pub(crate) mod png;
pub(crate) mod preprocessing;
pub(crate) mod raw;
pub mod synthetic;
