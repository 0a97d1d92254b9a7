//! What a run asks of the file system, behind a small trait, so that any part of it can be made to fail at
//! any moment.

mod fault;
mod faulty;
mod folder;
mod journal;
mod operations;

pub use self::fault::{FaultError, from_env};
pub use self::faulty::Faulty;
pub use self::folder::Folder;
pub use self::journal::{Journal, Operation};
pub use self::operations::{
    Disk, LONGEST_NAME, NewFile, System, check_folders, create_folder, create_folders, folder_of, is_partial,
    replace, replace_by, set_aside,
};
