//! Connections by number; a number is used again once its connection is gone.

/// See the module.
#[derive(Debug)]
pub(super) struct Slots<T> {
    all: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Slots { all: Vec::new(), free: Vec::new() }
    }

    /// The number that the next [`Slots::put`] uses.
    pub(super) fn next(&self) -> usize {
        self.free.last().copied().unwrap_or(self.all.len())
    }

    pub(super) fn put(&mut self, value: T) -> usize {
        match self.free.pop() {
            Some(index) => {
                self.all[index] = Some(value);
                index
            }
            None => {
                self.all.push(Some(value));
                self.all.len() - 1
            }
        }
    }

    pub(super) fn get(&mut self, index: usize) -> Option<&mut T> {
        self.all.get_mut(index)?.as_mut()
    }

    pub(super) fn take(&mut self, index: usize) -> Option<T> {
        let taken = self.all.get_mut(index)?.take()?;
        self.free.push(index);
        Some(taken)
    }
}
