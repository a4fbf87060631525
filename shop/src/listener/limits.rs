//! What the clients of one listener may hold, and how long they may take.

use std::time::Duration;

/// Connections that one listener holds open at a time at most, however many descriptors there are: each costs memory.
pub const CONNECTIONS_MAX: usize = 16_384;

/// Bounds of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections that are open at a time.
    pub connections_max: usize,
    /// Whether a newcomer takes the place of the idlest connection of the address that has most; otherwise it waits.
    pub evicts: bool,
    /// From the opening of a connection, or the first byte of a further request, to the end of the request's head.
    pub head_timeout: Duration,
    /// Between two requests of one connection.
    pub idle_timeout: Duration,
    /// How long a body may be waited for altogether, whatever its size …
    pub body_grace: Duration,
    /// … and beyond that, how fast it has to come.
    pub body_bytes_per_s_min: u32,
    /// How long a client may take no byte of an answer.
    pub write_timeout: Duration,
    /// Largest head of a request.
    pub head_bytes_max: usize,
    /// Header fields of one request.
    pub headers_max: usize,
}

impl ConnectionLimits {
    /// For strangers. Unused connections are kept longer than the shop's own clients keep theirs (30 s).
    pub const PUBLIC: Self = ConnectionLimits {
        connections_max: CONNECTIONS_MAX,
        evicts: true,
        head_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(60),
        body_grace: Duration::from_secs(5),
        body_bytes_per_s_min: 8 * 1024,
        write_timeout: Duration::from_secs(20),
        head_bytes_max: 64 * 1024,
        headers_max: 100,
    };

    /// For the shop's own services, which see one client: the gateway. It adds to what its clients send, and nobody may
    /// refuse or cut off what it has let in.
    pub const PRIVATE: Self = ConnectionLimits {
        connections_max: CONNECTIONS_MAX,
        evicts: false,
        head_timeout: Duration::from_secs(75),
        idle_timeout: Duration::from_secs(75),
        body_grace: Duration::from_secs(60),
        body_bytes_per_s_min: 1024,
        write_timeout: Duration::from_secs(75),
        head_bytes_max: 96 * 1024,
        headers_max: 140,
    };

    /// These limits for so many connections.
    #[must_use]
    pub fn with_connections(mut self, connections_max: usize) -> Self {
        self.connections_max = connections_max;
        self
    }
}
