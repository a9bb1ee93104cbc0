//! Clients: addresses, agents, and the connections they keep to the load balancer.

use crate::agents::{Agent, Agents};
use crate::dice::Dice;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One connection as the load balancer sees it: what all its requests have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) node: u8,
    pub(crate) wire: Wire,
    pub(crate) tls13: bool,
    /// The TLS session was resumed, so that no certificate was sent.
    pub(crate) resumed: bool,
    /// The client sends a trace header of its own.
    pub(crate) traced: bool,
    pub(crate) agent: Agent,
    pub(crate) connection: u128,
    /// The signed-in user's number.
    pub(crate) user: u64,
}

/// Protocol between client and load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// HTTP/1.1 on port 80.
    Plain,
    /// HTTP/1.1 over TLS.
    Https,
    Http2,
}

/// Those who are using the service at the moment.
pub(crate) struct Crowd {
    visitors: Vec<Visitor>,
    /// Who made the last request.
    latest: usize,
    visit: f64,
    size: u64,
    nodes: u64,
}

struct Visitor {
    peer: Peer,
    last_seen: i64,
}

/// Share of requests that come from the same client as the one before.
const SAME_PAGE: f64 = 0.6;

/// A client closes a connection it has not used for this long.
const KEEP_ALIVE_US: i64 = 45_000_000;

impl Crowd {
    /// A crowd that makes about `rate` requests per second, `visit` requests each.
    pub(crate) fn new(rate: f64, visit: f64, nodes: usize) -> Crowd {
        let size = (rate * 12.0).clamp(40.0, 20_000.0) as usize;
        Crowd { visitors: Vec::with_capacity(size), latest: 0, visit, size: size as u64, nodes: nodes as u64 }
    }

    /// The connection on which the next request comes, and whether its client is new here.
    pub(crate) fn next(&mut self, now: i64, users: f64, agents: &Agents, dice: &mut Dice) -> (Peer, bool) {
        // A page asks for several things at once.
        let same_page = self.latest < self.visitors.len() && dice.chance(SAME_PAGE);
        let place = if same_page { self.latest } else { dice.below(self.size) as usize };
        self.latest = place.min(self.visitors.len());
        if place >= self.visitors.len() || (!same_page && dice.chance(1.0 / (self.visit * (1.0 - SAME_PAGE)))) {
            let visitor = Visitor { peer: self.arrive(users, agents, dice), last_seen: now };
            let peer = visitor.peer;
            match self.visitors.get_mut(place) {
                Some(seat) => *seat = visitor,
                None => self.visitors.push(visitor),
            }
            return (peer, true);
        }
        let visitor = &mut self.visitors[place];
        if now - visitor.last_seen > KEEP_ALIVE_US {
            reconnect(&mut visitor.peer, dice);
        }
        visitor.last_seen = now;
        (visitor.peer, false)
    }

    fn arrive(&self, users: f64, agents: &Agents, dice: &mut Dice) -> Peer {
        let agent = agents.draw(dice);
        let mut peer = Peer {
            ip: address(dice),
            port: 0,
            node: dice.below(self.nodes) as u8,
            wire: if dice.chance(0.78) { Wire::Http2 } else { Wire::Https },
            tls13: dice.chance(0.9),
            resumed: false,
            traced: dice.chance(0.01),
            agent,
            connection: 0,
            user: 1 + dice.below(users as u64),
        };
        reconnect(&mut peer, dice);
        peer.resumed = dice.chance(0.35);
        peer
    }

    /// A machine that scans for vulnerabilities.
    pub(crate) fn scanner(&self, agents: &Agents, dice: &mut Dice) -> Peer {
        let mut peer = self.arrive(1.0, agents, dice);
        peer.ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, dice.between(1, 255) as u8));
        peer.wire = Wire::Https;
        peer.resumed = false;
        peer.traced = false;
        peer
    }
}

/// Gives `peer` a new connection.
pub(crate) fn reconnect(peer: &mut Peer, dice: &mut Dice) {
    peer.port = dice.between(1_024, 65_536) as u16;
    peer.connection = u128::from(dice.bits()) << 64 | u128::from(dice.bits());
    peer.resumed = dice.chance(0.8);
}

/// Addresses from 198.18.0.0/15, 100.64.0.0/10 and 2001:db8::/32: nobody's.
fn address(dice: &mut Dice) -> IpAddr {
    let bits = dice.bits();
    match bits >> 60 {
        0 | 1 => IpAddr::V6(Ipv6Addr::from_bits(
            0x2001_0db8_u128 << 96 | u128::from(bits as u32) << 64 | u128::from(dice.bits()),
        )),
        2..9 => IpAddr::V4(Ipv4Addr::from_bits(0xc612_0000 | bits as u32 & 0x1_ffff)),
        _ => IpAddr::V4(Ipv4Addr::from_bits(0x6440_0000 | bits as u32 & 0x3f_ffff)),
    }
}
