//! libtorch's store and process group, as the C functions of `shim/c10d.cpp` have them.
//!
//! All `unsafe` of this crate is here.

/// Whether the libtorch that birnn was built with has a process group.
pub(crate) const HAS_GLOO: bool = cfg!(gloo);

#[cfg(gloo)]
pub(crate) use with_gloo::{Group, Store};
#[cfg(not(gloo))]
pub(crate) use without_gloo::{Group, Store};

/// Types any bytes are values of.
pub(crate) trait Plain: Copy {}

impl Plain for u8 {}
impl Plain for f32 {}

#[cfg(gloo)]
#[expect(unsafe_code, reason = "libtorch's process group is C++")]
mod with_gloo {
    use std::ffi::{CString, c_char, c_int, c_void};
    use std::ptr::NonNull;
    use std::time::Duration;

    use super::Plain;

    #[repr(C)]
    struct RawStore(c_void);
    #[repr(C)]
    struct RawGroup(c_void);
    type Take = extern "C" fn(*mut c_void, *const u8, usize);

    unsafe extern "C" {
        fn birnn_store_open(
            host: *const c_char,
            port: u16,
            serve: c_int,
            timeout: i64,
            out: *mut *mut RawStore,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_store_set(
            store: *mut RawStore,
            key: *const c_char,
            value: *const u8,
            length: usize,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_store_set_first(
            store: *mut RawStore,
            key: *const c_char,
            value: *const u8,
            length: usize,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_store_get(
            store: *mut RawStore,
            key: *const c_char,
            wait: i64,
            take: Take,
            taker: *mut c_void,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_store_add(
            store: *mut RawStore,
            key: *const c_char,
            by: i64,
            sum: *mut i64,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_store_close(store: *mut RawStore);
        fn birnn_group_open(
            store: *mut RawStore,
            prefix: *const c_char,
            rank: c_int,
            size: c_int,
            timeout: i64,
            interface: *const c_char,
            address: *const c_char,
            out: *mut *mut RawGroup,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_group_all_gather(
            group: *mut RawGroup,
            own: *const u8,
            length: usize,
            all: *mut u8,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_group_all_to_all(
            group: *mut RawGroup,
            send: *const f32,
            send_counts: *const i64,
            receive: *mut f32,
            receive_counts: *const i64,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_group_broadcast(
            group: *mut RawGroup,
            data: *mut u8,
            length: usize,
            from: c_int,
            error: *mut c_char,
            room: usize,
        ) -> c_int;
        fn birnn_group_close(group: *mut RawGroup);
    }

    /// What libtorch said that went wrong, if anything did: its first line, without the place in its sources.
    fn call(function: impl FnOnce(*mut c_char, usize) -> c_int) -> Result<(), String> {
        let mut text = vec![0_u8; 4096];
        if function(text.as_mut_ptr().cast(), text.len()) == 0 {
            return Ok(());
        }
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let line = text.lines().next().unwrap_or_default();
        let said =
            line.strip_prefix('[').and_then(|line| line.split_once("] ")).map_or(line, |(_, said)| said);
        Err(said.trim_end_matches('.').to_owned())
    }

    fn c_string(text: &str) -> Result<CString, String> {
        CString::new(text).map_err(|_| format!("`{}` has a zero byte in it", text.escape_debug()))
    }

    /// Keys and their values, which all ranks see.
    #[derive(Debug)]
    pub(crate) struct Store(NonNull<RawStore>);

    // SAFETY: the client of a TCPStore has a lock of its own around each question.
    unsafe impl Send for Store {}
    // SAFETY: as above.
    unsafe impl Sync for Store {}

    impl Store {
        /// The store at `host` and `port`, which this process serves if `serve`; waits for it at most
        /// `timeout`. From then on libtorch says nothing, unless `TORCH_CPP_LOG_LEVEL` asks for it.
        pub(crate) fn open(host: &str, port: u16, serve: bool, timeout: Duration) -> Result<Store, String> {
            let host = c_string(host)?;
            let mut store = std::ptr::null_mut();
            // SAFETY: the text ends with 0, and `store` is written on success.
            call(|error, room| unsafe {
                birnn_store_open(
                    host.as_ptr(),
                    port,
                    c_int::from(serve),
                    milliseconds(timeout),
                    &mut store,
                    error,
                    room,
                )
            })?;
            NonNull::new(store).map(Store).ok_or_else(|| "no store".to_owned())
        }

        pub(crate) fn set(&self, key: &str, value: &str) -> Result<(), String> {
            let key = c_string(key)?;
            // SAFETY: the store is open; the value is read before the call returns.
            call(|error, room| unsafe {
                birnn_store_set(self.0.as_ptr(), key.as_ptr(), value.as_ptr(), value.len(), error, room)
            })
        }

        /// Sets a key that is not set yet.
        pub(crate) fn set_first(&self, key: &str, value: &str) -> Result<(), String> {
            let key = c_string(key)?;
            // SAFETY: as for `set`.
            call(|error, room| unsafe {
                birnn_store_set_first(self.0.as_ptr(), key.as_ptr(), value.as_ptr(), value.len(), error, room)
            })
        }

        /// The value of a key, if there is one within `wait`.
        pub(crate) fn get(&self, key: &str, wait: Duration) -> Result<Option<String>, String> {
            extern "C" fn take(taker: *mut c_void, value: *const u8, length: usize) {
                // SAFETY: the taker is the vector below, and so many bytes are there during the call; of none
                // there may be no address.
                unsafe {
                    let taken = (*taker.cast::<Option<Vec<u8>>>()).get_or_insert_default();
                    if length > 0 {
                        taken.extend_from_slice(std::slice::from_raw_parts(value, length));
                    }
                }
            }
            let key = c_string(key)?;
            let mut value: Option<Vec<u8>> = None;
            // SAFETY: `take` is called before the call returns, if at all.
            call(|error, room| unsafe {
                let taker = std::ptr::from_mut(&mut value).cast();
                birnn_store_get(self.0.as_ptr(), key.as_ptr(), milliseconds(wait), take, taker, error, room)
            })?;
            Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
        }

        /// Adds to a number, which is 0 at first, and gives what it then is.
        pub(crate) fn add(&self, key: &str, by: i64) -> Result<i64, String> {
            let key = c_string(key)?;
            let mut sum = 0;
            // SAFETY: the store is open, and `sum` is written on success.
            call(|error, room| unsafe {
                birnn_store_add(self.0.as_ptr(), key.as_ptr(), by, &mut sum, error, room)
            })?;
            Ok(sum)
        }
    }

    impl Drop for Store {
        fn drop(&mut self) {
            // SAFETY: it was open, and nobody has it any more.
            unsafe { birnn_store_close(self.0.as_ptr()) }
        }
    }

    /// The ranks' connections.
    #[derive(Debug)]
    pub(crate) struct Group(NonNull<RawGroup>);

    // SAFETY: it is used by one thread at a time, and by any.
    unsafe impl Send for Group {}

    impl Group {
        /// Connects each rank with each by way of `store`: over the network interface of this name or, where
        /// it is empty, over the one with this address.
        pub(crate) fn open(
            store: &Store,
            prefix: &str,
            [rank, size]: [usize; 2],
            timeout: Duration,
            [interface, address]: [&str; 2],
        ) -> Result<Group, String> {
            let [prefix, interface, address] = [c_string(prefix)?, c_string(interface)?, c_string(address)?];
            let mut group = std::ptr::null_mut();
            // SAFETY: the store is open, the texts end with 0, and `group` is written on success.
            call(|error, room| unsafe {
                birnn_group_open(
                    store.0.as_ptr(),
                    prefix.as_ptr(),
                    rank as c_int,
                    size as c_int,
                    milliseconds(timeout),
                    interface.as_ptr(),
                    address.as_ptr(),
                    &mut group,
                    error,
                    room,
                )
            })?;
            NonNull::new(group).map(Group).ok_or_else(|| "no group".to_owned())
        }

        pub(crate) fn all_gather<T: Plain>(&self, own: &[T], all: &mut [T]) -> Result<(), String> {
            let length = size_of_val(own);
            // SAFETY: `all` has room for as many bytes of each rank, which the caller has checked; any bytes
            // are values of a plain type.
            call(|error, room| unsafe {
                let (own, all) = (own.as_ptr().cast(), all.as_mut_ptr().cast());
                birnn_group_all_gather(self.0.as_ptr(), own, length, all, error, room)
            })
        }

        pub(crate) fn all_to_all(
            &self,
            send: &[f32],
            send_counts: &[i64],
            receive: &mut [f32],
            receive_counts: &[i64],
        ) -> Result<(), String> {
            // SAFETY: there are as many values as the counts say, which the caller has checked.
            call(|error, room| unsafe {
                birnn_group_all_to_all(
                    self.0.as_ptr(),
                    send.as_ptr(),
                    send_counts.as_ptr(),
                    receive.as_mut_ptr(),
                    receive_counts.as_ptr(),
                    error,
                    room,
                )
            })
        }

        pub(crate) fn broadcast(&self, bytes: &mut [u8], from: usize) -> Result<(), String> {
            // SAFETY: so many bytes may be read and written.
            call(|error, room| unsafe {
                let data = bytes.as_mut_ptr();
                birnn_group_broadcast(self.0.as_ptr(), data, bytes.len(), from as c_int, error, room)
            })
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            // SAFETY: it was open, and nobody has it any more.
            unsafe { birnn_group_close(self.0.as_ptr()) }
        }
    }

    fn milliseconds(time: Duration) -> i64 {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Where libtorch has no process group there is no store either, and so nobody has one of these.
#[cfg(not(gloo))]
mod without_gloo {
    use std::time::Duration;

    use super::Plain;

    const ABSENT: &str = "the libtorch in use has no process group";

    #[derive(Debug)]
    pub(crate) enum Store {}

    impl Store {
        pub(crate) fn open(_: &str, _: u16, _: bool, _: Duration) -> Result<Store, String> {
            Err(ABSENT.to_owned())
        }

        pub(crate) fn set(&self, _: &str, _: &str) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn set_first(&self, _: &str, _: &str) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn get(&self, _: &str, _: Duration) -> Result<Option<String>, String> {
            match *self {}
        }

        pub(crate) fn add(&self, _: &str, _: i64) -> Result<i64, String> {
            match *self {}
        }
    }

    #[derive(Debug)]
    pub(crate) enum Group {}

    impl Group {
        pub(crate) fn open(
            store: &Store,
            _: &str,
            _: [usize; 2],
            _: Duration,
            _: [&str; 2],
        ) -> Result<Group, String> {
            match *store {}
        }

        pub(crate) fn all_gather<T: Plain>(&self, _: &[T], _: &mut [T]) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn all_to_all(
            &self,
            _: &[f32],
            _: &[i64],
            _: &mut [f32],
            _: &[i64],
        ) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn broadcast(&self, _: &mut [u8], _: usize) -> Result<(), String> {
            match *self {}
        }
    }
}
