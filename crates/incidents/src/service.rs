//! A service behind a load balancer as the seed draws it, in health.

use crate::clients::{self, Class, Client};
use crate::dice::{Dice, Weighted};
use crate::routes::{self, Route};

pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) host: String,
    pub(crate) region: &'static str,
    pub(crate) account: String,
    /// Name and hex id of the load balancer.
    pub(crate) balancer: (String, String),
    pub(crate) nodes: [String; 2],
    pub(crate) certificate: String,
    pub(crate) idle_timeout_s: f64,
    pub(crate) groups: Vec<Group>,
    pub(crate) targets: Vec<Target>,
    pub(crate) routes: Vec<Route>,
    pub(crate) clients: Vec<Client>,
    /// What of the traffic is neither a call of a route nor an incident, as shares.
    pub(crate) redirects: f64,
    pub(crate) sockets: f64,
    pub(crate) scans: f64,
    pub(crate) blocked: f64,
    /// Addresses of those who look for holes, all the time.
    pub(crate) scanners: Vec<String>,
}

pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) priority: u16,
    /// A Lambda function instead of targets.
    pub(crate) lambda: bool,
    /// Those that take requests, as indices into the service's targets.
    pub(crate) targets: Vec<usize>,
}

pub(crate) struct Target {
    /// `ip:port`
    pub(crate) address: String,
    pub(crate) instance: String,
    pub(crate) group: usize,
}

impl Service {
    pub(crate) fn draw(dice: &mut Dice, targets: usize) -> Service {
        let name = dice.pick(&[
            "shop", "ticketry", "fleet", "clinic", "campus", "kitchen", "studio", "ledger", "parcels", "garden",
        ]);
        let region = dice.pick(&["eu-central-1", "us-east-1", "eu-west-1", "ap-southeast-2"]);
        let account = dice.int(100_000_000_000..=999_999_999_999).to_string();
        let node = |dice: &mut Dice| format!("203.0.113.{}", dice.int(1..=254));
        let first = node(dice);
        let second = std::iter::repeat_with(|| node(dice)).find(|node| *node != first).expect("there are others");
        let app = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let mut service = Service {
            name,
            host: format!("{}.{name}.example", dice.pick(&["api", "www", "app"])),
            region,
            balancer: (format!("{name}-{}", dice.pick(&["prod", "public", "live"])), format!("{:016x}", dice.bits())),
            nodes: [first, second],
            certificate: format!(
                "arn:aws:acm:{region}:{account}:certificate/{:08x}-0000-4000-8000-{:012x}",
                dice.bits() as u32,
                dice.bits() >> 16
            ),
            idle_timeout_s: dice.pick(&[60.0, 60.0, 60.0, 60.0, 30.0, 120.0]),
            groups: Vec::new(),
            targets: Vec::new(),
            routes: routes::draw(dice),
            clients: clients::draw(dice, &app),
            redirects: sometimes(dice, 0.4, 0.002, 0.03),
            sockets: sometimes(dice, 0.3, 0.0005, 0.003),
            scans: sometimes(dice, 0.7, 0.0005, 0.008),
            blocked: sometimes(dice, 0.3, 0.0005, 0.005),
            scanners: Vec::new(),
            account,
        };
        let scanners = dice.int(1..=6);
        service.scanners = (0..scanners).map(|_| clients::address(dice)).collect();
        service.add_group(dice, "api", false);
        let split = targets >= 5 && dice.chance(0.3);
        let second = if split { targets / 3 } else { 0 };
        service.add_targets(dice, 0, targets - second);
        if split {
            service.add_group(dice, "admin", false);
            service.add_targets(dice, 1, second);
            service.move_routes(dice, 1, 0.25);
        }
        if dice.chance(0.25) {
            service.add_lambda(dice, 0.12);
        }
        // The chronic illness: a route that always fails a little.
        if dice.chance(0.3) {
            let sick = service.a_route(dice, |route| route.weight > 0.01);
            service.routes[sick].chronic = 0.003;
        }
        service
    }

    fn add_group(&mut self, dice: &mut Dice, suffix: &str, lambda: bool) {
        let name = format!("{}-{suffix}", self.name);
        let arn = format!(
            "arn:aws:elasticloadbalancing:{}:{}:targetgroup/{name}/{:016x}",
            self.region,
            self.account,
            dice.bits()
        );
        let priority = if self.groups.is_empty() { 0 } else { 10 * self.groups.len() as u16 };
        self.groups.push(Group { name, arn, priority, lambda, targets: Vec::new() });
    }

    /// New targets that take requests at once; their indices.
    pub(crate) fn add_targets(&mut self, dice: &mut Dice, group: usize, count: usize) -> Vec<usize> {
        let port = match self.groups[group].targets.first() {
            Some(known) => self.targets[*known].address.rsplit(':').next().expect("ip:port").to_owned(),
            None => dice.pick(&["80", "8080", "3000", "8000", "32768"]).to_owned(),
        };
        let network = dice.int(0..=31);
        let mut added = Vec::new();
        while added.len() < count {
            let address = format!("10.{network}.{}.{}:{port}", dice.int(0..=3), dice.int(4..=250));
            if self.targets.iter().all(|target| target.address != address) {
                added.push(self.targets.len());
                self.targets.push(Target { address, instance: format!("i-0{:016x}", dice.bits()), group });
            }
        }
        self.groups[group].targets.extend(&added);
        added
    }

    /// Gives about this share of the traffic, and at least one route, to another group.
    fn move_routes(&mut self, dice: &mut Dice, group: usize, share: f64) {
        let mut order: Vec<usize> = (0..self.routes.len()).collect();
        dice.shuffle(&mut order);
        let mut moved = 0.0;
        for route in order {
            let route = &mut self.routes[route];
            if route.group == 0
                && moved < share
                && (moved + route.weight < share * 1.3 || moved == 0.0 && route.weight < 0.15)
            {
                moved += route.weight;
                route.group = group;
            }
        }
    }

    /// The group of a Lambda function that serves about this share of the traffic; the one that is there already, if so.
    pub(crate) fn add_lambda(&mut self, dice: &mut Dice, share: f64) -> usize {
        if let Some(known) = self.groups.iter().position(|group| group.lambda) {
            return known;
        }
        self.add_group(dice, "functions", true);
        self.move_routes(dice, self.groups.len() - 1, share);
        self.groups.len() - 1
    }

    /// One of the routes that fit, the busiest if none does.
    pub(crate) fn a_route(&self, dice: &mut Dice, fits: impl Fn(&Route) -> bool) -> usize {
        let fitting: Vec<usize> = (0..self.routes.len()).filter(|index| fits(&self.routes[*index])).collect();
        if fitting.is_empty() { self.busiest(|_| true) } else { dice.pick(&fitting) }
    }

    pub(crate) fn busiest(&self, fits: impl Fn(&Route) -> bool) -> usize {
        let fitting = (0..self.routes.len()).filter(|index| fits(&self.routes[*index]));
        fitting.max_by(|a, b| self.routes[*a].weight.total_cmp(&self.routes[*b].weight)).expect("a route that fits")
    }

    /// Makes this route at least so large a share of the traffic.
    pub(crate) fn make_busy(&mut self, route: usize, share: f64) {
        if self.routes[route].weight < share {
            let rest = (1.0 - share) / (1.0 - self.routes[route].weight);
            self.routes.iter_mut().for_each(|other| other.weight *= rest);
            self.routes[route].weight = share;
        }
    }

    /// One of the groups of targets; mostly the main one.
    pub(crate) fn a_group(&self, dice: &mut Dice) -> usize {
        let second = self.groups.iter().skip(1).position(|group| !group.lambda);
        second.filter(|_| dice.chance(0.3)).map_or(0, |index| index + 1)
    }

    /// The share of the traffic that a group has.
    pub(crate) fn group_share(&self, group: usize) -> f64 {
        self.routes.iter().filter(|route| route.group == group).map(|route| route.weight).sum()
    }

    pub(crate) fn class_share(&self, class: Class) -> f64 {
        let weight =
            |fits: &dyn Fn(&Client) -> bool| self.clients.iter().filter(|c| fits(c)).map(|c| c.weight).sum::<f64>();
        weight(&|client| client.class == class) / weight(&|_| true)
    }

    pub(crate) fn route_choice(&self) -> Weighted {
        Weighted::new(self.routes.iter().map(|route| route.weight))
    }

    pub(crate) fn client_choice(&self) -> Weighted {
        Weighted::new(self.clients.iter().map(|client| client.weight))
    }
}

fn sometimes(dice: &mut Dice, probability: f64, low: f64, high: f64) -> f64 {
    let share = dice.log_float(low, high);
    if dice.chance(probability) { share } else { 0.0 }
}
