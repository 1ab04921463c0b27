//! What has happened, in order, for the one who waits for it.

use futures_channel::oneshot;
use std::cell::RefCell;
use std::collections::VecDeque;

/// A queue with one reader.
pub struct Inbox<T> {
    news: RefCell<VecDeque<T>>,
    reader: RefCell<Option<oneshot::Sender<()>>>,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Inbox::new()
    }
}

impl<T> Inbox<T> {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Inbox { news: RefCell::default(), reader: RefCell::default() }
    }

    /// Puts something in and wakes the reader.
    pub fn put(&self, one: T) {
        self.news.borrow_mut().push_back(one);
        if let Some(reader) = self.reader.take() {
            // The reader may be gone; then nobody wants the news.
            let _ = reader.send(());
        }
    }

    /// The oldest news; waits where there is none.
    pub async fn next(&self) -> T {
        loop {
            if let Some(one) = self.news.borrow_mut().pop_front() {
                return one;
            }
            let (wake, woken) = oneshot::channel();
            self.reader.replace(Some(wake));
            // An error would mean another reader; there is none.
            let _ = woken.await;
        }
    }
}
