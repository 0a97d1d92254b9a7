//! A page on which a network is asked by drawing, typing or pasting, and shows how its answer came about.
//!
//! It is the same page in two forms: [`served`], whose answers a server gives, and [`file()`], one file with
//! the network in it, that answers with no server and no network, by a forward pass of its own
//! (`page/net.js`) beside the page, in a worker. Which of them it is, the page finds out by whether there is
//! a network in it; all else it does alike.

mod about;
mod assets;
mod net;

pub use crate::about::About;
pub use crate::assets::{Asset, POLICY, served};
pub use crate::net::{NoPage, file};
