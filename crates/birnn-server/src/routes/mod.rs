//! What is answered at which path.

mod health;
mod models;
mod openapi;
mod page;
mod predict;

pub(crate) use self::health::{healthy, metrics, ready};
pub(crate) use self::models::models;
pub(crate) use self::openapi::openapi;
pub(crate) use self::page::page;
pub(crate) use self::predict::{explain, predict};
