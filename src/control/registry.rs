//! The open connections of a server, and which one to close when there are too many.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Open connections. Shared by the thread that accepts them and those that serve them.
pub struct Registry<T>(Mutex<List<T>>);

/// The connections by their ids, the oldest first.
pub struct List<T> {
    connections: Vec<(u64, T)>,
    next_id: u64,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self(Mutex::new(List { connections: Vec::new(), next_id: 0 }))
    }
}

impl<T> Registry<T> {
    pub fn lock(&self) -> MutexGuard<'_, List<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection, which stays until the returned value is dropped or it is evicted.
    pub fn insert(registry: &Arc<Self>, connection: T) -> Registration<T> {
        let mut list = registry.lock();
        let id = list.next_id;
        list.next_id += 1;
        list.connections.push((id, connection));
        Registration { registry: Arc::clone(registry), id }
    }
}

impl<T> List<T> {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.connections.iter().map(|(_, connection)| connection)
    }

    /// The connection of [`Registration::id`], unless it was evicted.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        self.connections.iter_mut().find(|(known, _)| *known == id).map(|(_, connection)| connection)
    }

    /// Removes the oldest candidate of the peer that has most candidates; if that peer is a proxy, of its client that has most.
    /// `whose` names peer and client of a connection, and is `None` for one that must stay.
    pub fn evict<P: Eq + Hash, C: Eq + Hash>(&mut self, whose: impl Fn(&T) -> Option<(P, C)>) -> Option<T> {
        let busiest = most(self.iter().filter_map(|one| Some(whose(one)?.0)))?;
        let of_busiest = |one: &T| whose(one).filter(|(peer, _)| *peer == busiest).map(|(_, client)| client);
        let client = most(self.iter().filter_map(of_busiest))?;
        let index = self.iter().position(|one| of_busiest(one).is_some_and(|of| of == client))?;
        Some(self.connections.remove(index).1)
    }
}

/// The value that comes most often; of several the one that comes first.
fn most<K: Eq + Hash>(values: impl Iterator<Item = K>) -> Option<K> {
    let mut counts = HashMap::new();
    for (at, value) in values.enumerate() {
        counts.entry(value).or_insert((0, Reverse(at))).0 += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}

/// Keeps a connection in its registry; dropping it removes the connection.
pub struct Registration<T> {
    registry: Arc<Registry<T>>,
    id: u64,
}

impl<T> Registration<T> {
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The list with all connections.
    pub fn lock(&self) -> MutexGuard<'_, List<T>> {
        self.registry.lock()
    }
}

impl<T> Drop for Registration<T> {
    fn drop(&mut self) {
        self.lock().connections.retain(|(id, _)| *id != self.id);
    }
}
