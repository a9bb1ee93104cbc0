//! A request, and how it ends.

use crate::dice::Dice;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call of this route.
    Call(usize),
    /// Plain HTTP, sent on to HTTPS.
    Redirect,
    Socket,
    /// A look for holes, from this address.
    Scan(String),
    /// The same, stopped by the web application firewall.
    Blocked(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Arrival, microseconds.
    pub(crate) at: i64,
    pub(crate) kind: Kind,
    pub(crate) client: usize,
    pub(crate) group: usize,
    /// With query.
    pub(crate) path: String,
    pub(crate) method: &'static str,
    /// Bytes, headers included.
    pub(crate) received: u64,
    /// How often it was tried before.
    pub(crate) attempt: u8,
}

impl Request {
    pub(crate) fn calls(&self, route: usize) -> bool {
        self.kind == Kind::Call(route)
    }

    pub(crate) fn route(&self) -> Option<usize> {
        if let Kind::Call(route) = self.kind { Some(route) } else { None }
    }
}

/// A time that the load balancer did not measure.
pub(crate) const UNMEASURED: f64 = -1.0;

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) target_status: Option<u16>,
    /// Index of the target; `None` where none was chosen, and for functions.
    pub(crate) target: Option<usize>,
    /// Request, target and response processing, seconds.
    pub(crate) times: [f64; 3],
    pub(crate) duration_s: f64,
    pub(crate) sent: u64,
    pub(crate) actions: &'static str,
    pub(crate) reason: &'static str,
    /// The client asks the same again after so many seconds.
    pub(crate) retry_s: Option<f64>,
    /// The incident made it fail.
    pub(crate) blamed: bool,
}

impl Answer {
    /// By the target, which took `seconds` to begin.
    pub(crate) fn good(dice: &mut Dice, target: Option<usize>, status: u16, seconds: f64, sent: u64) -> Answer {
        let dispatch = if dice.chance(0.8) { 0.0 } else { 0.001 };
        let rest = if dice.chance(0.9) { 0.0 } else { 0.001 };
        Answer {
            status,
            target_status: Some(status),
            target,
            times: [dispatch, seconds, rest],
            duration_s: dispatch + seconds + rest + dice.exponential(0.0005),
            sent,
            actions: "forward",
            reason: "-",
            retry_s: None,
            blamed: false,
        }
    }

    /// By the load balancer alone, without asking anybody.
    pub(crate) fn own(dice: &mut Dice, status: u16, actions: &'static str) -> Answer {
        let page = if status == 301 { 329 } else { 200 + dice.int(0..=300) };
        Answer {
            status,
            target_status: None,
            target: None,
            times: [UNMEASURED; 3],
            duration_s: dice.float(0.0, 0.002),
            sent: page,
            actions,
            reason: "-",
            retry_s: None,
            blamed: false,
        }
    }

    /// The incident slows it down.
    pub(crate) fn slow(&mut self, factor: f64) {
        let more = self.times[1].max(0.0) * (factor - 1.0);
        self.times[1] += more;
        self.duration_s += more;
    }

    /// The incident gives it this time at the target.
    pub(crate) fn take(&mut self, seconds: f64) {
        self.slow(seconds / self.times[1].max(0.001));
    }

    /// The client may try again, though not for ever.
    pub(crate) fn retry(&mut self, dice: &mut Dice, request: &Request, chance: f64) {
        if request.attempt < 3 && dice.chance(chance) {
            self.retry_s = Some(dice.float(0.2, 4.0));
        }
    }

    fn fail(&mut self, status: u16, target_status: Option<u16>, times: [f64; 3], duration_s: f64, sent: u64) {
        *self = Answer { status, target_status, times, duration_s, sent, blamed: true, ..self.clone() };
    }

    /// The application answers with an error after so long.
    pub(crate) fn application(&mut self, dice: &mut Dice, status: u16, seconds: f64) {
        let sent = dice.int(160..=900);
        self.fail(status, Some(status), [0.0, seconds, 0.0], seconds + dice.float(0.0, 0.002), sent);
    }

    /// The target does not let the load balancer connect.
    pub(crate) fn connection_refused(&mut self, dice: &mut Dice) {
        let duration_s = dice.float(0.0002, 0.004);
        self.fail(502, None, [UNMEASURED; 3], duration_s, 272);
    }

    /// The target closes the connection after it got the request.
    pub(crate) fn died(&mut self, dice: &mut Dice, after_s: f64) {
        let dispatch = if dice.chance(0.7) { 0.0 } else { 0.001 };
        self.fail(502, None, [dispatch, UNMEASURED, UNMEASURED], after_s + dice.float(0.0005, 0.003), 272);
    }

    /// No connection within ten seconds.
    pub(crate) fn unreachable(&mut self, dice: &mut Dice) {
        let duration_s = 10.0 + dice.float(0.0, 0.01);
        self.fail(504, None, [UNMEASURED; 3], duration_s, 282);
    }

    /// The target says nothing until the idle timeout.
    pub(crate) fn timed_out(&mut self, dice: &mut Dice, limit_s: f64) {
        let dispatch = if dice.chance(0.7) { 0.0 } else { 0.001 };
        self.fail(504, None, [dispatch, UNMEASURED, UNMEASURED], limit_s + dice.float(0.0, 0.01), 282);
    }

    /// The client closes after so long.
    pub(crate) fn given_up(&mut self, dice: &mut Dice, after_s: f64) {
        let dispatch = if dice.chance(0.5) { 0.0 } else { UNMEASURED };
        self.fail(460, None, [dispatch, UNMEASURED, UNMEASURED], after_s, 0);
    }

    /// There is nobody to send it to.
    pub(crate) fn no_target(&mut self, dice: &mut Dice) {
        let duration_s = dice.float(0.0, 0.002);
        self.fail(503, None, [UNMEASURED; 3], duration_s, 337);
        self.target = None;
    }

    /// The function, or the load balancer's call of it, went wrong.
    pub(crate) fn lambda(&mut self, dice: &mut Dice, reason: &'static str, seconds: f64) {
        let dispatch = dice.float(0.001, 0.004);
        let took = if reason == "LambdaUnhandled" || dice.chance(0.3) { seconds } else { UNMEASURED };
        let first = if took < 0.0 && dice.chance(0.5) { UNMEASURED } else { dispatch };
        self.fail(502, None, [first, took, if took < 0.0 { UNMEASURED } else { 0.0 }], seconds + dispatch, 272);
        self.reason = reason;
    }

    /// The load balancer refuses a body that is too large for a function.
    pub(crate) fn too_large(&mut self, dice: &mut Dice) {
        let duration_s = dice.float(0.01, 0.3);
        self.fail(413, None, [UNMEASURED; 3], duration_s, 292);
    }
}
