//! What a client still sends of a request that is refused already.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use hyper::body::{Frame, SizeHint};

/// A body of which one reads a part, and another what is left.
#[derive(Clone)]
pub(crate) struct Unread {
    body: Arc<Mutex<Body>>,
    is_begun: Arc<AtomicBool>,
}

impl Unread {
    /// A request whose body is read as before, and what will be left of that.
    pub(crate) fn of(request: Request) -> (Request, Unread) {
        let (parts, body) = request.into_parts();
        let unread = Unread { body: Arc::new(Mutex::new(body)), is_begun: Arc::default() };
        (Request::from_parts(parts, Body::new(unread.clone())), unread)
    }

    /// Whether any of it was asked for.
    pub(crate) fn is_begun(&self) -> bool {
        self.is_begun.load(Ordering::Relaxed)
    }

    /// Reads it to its end, or `most` bytes of it, and keeps nothing. A connection that is closed while its
    /// client sends is reset: many clients report that, and never read the answer that was there before.
    pub(crate) async fn discard(mut self, most: usize) {
        let mut read = 0;
        while read <= most
            && let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut self).poll_frame(context)).await
        {
            read += frame.data_ref().map_or(0, Bytes::len);
        }
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_begun.store(true, Ordering::Relaxed);
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
