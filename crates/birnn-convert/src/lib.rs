//! Between birnn's weights files and those of others.
//!
//! A [`Net`] is a net in plain numbers. [`import`] makes one of weights from elsewhere; [`Format`] writes it
//! to a file that others read; [`Description`] is what no weights can say of it, and goes beside them. This
//! crate needs no libtorch.

mod account;
mod beside;
mod description;
mod format;
mod import;
mod inferred;
mod net;
mod onnx;
mod request;

pub use birnn_formats::onnx::Batch;
pub use description::{Description, description_path};
pub use format::{ExportError, Format, Unwritable, writable};
pub use import::{ImportError, Imported, import};
pub use net::Net;
pub use request::Request;
