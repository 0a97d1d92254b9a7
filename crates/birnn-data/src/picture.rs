//! Reading a picture.
