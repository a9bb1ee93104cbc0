//! A route that gets slower with its data, a week before it breaks.

use crate::service::{Dice, Request, Service, route_name};

const DAY: f64 = 86_400.0;
const GROWING: usize = 8;

fn week(fault: impl FnMut(&mut Request, &mut Dice)) -> albatross_diagnose::Diagnosis {
    let service = Service { minutes: 8 * 1440, per_minute: 5.0, ..Service::default() };
    service.run(|_| 1.0, fault, |_| (20.0, 40.0), Vec::new())
}

#[test]
fn the_route_that_grows_and_no_other() {
    let diagnosis = week(|request, _| {
        let days = request.at / DAY;
        match request.route {
            GROWING => request.duration *= 1.12f64.powf(days),
            // Quicker from day to day, slow on one day only, up and down: none of them grows.
            2 => request.duration *= 0.9f64.powf(days),
            5 if (3.0..4.0).contains(&days) => request.duration *= 3.0,
            10 => request.duration *= 1.0 + 0.3 * (days * 2.1).sin(),
            _ => {}
        }
    });
    let routes: Vec<&str> = diagnosis.growth.iter().map(|growth| growth.route.as_str()).collect();
    assert_eq!(routes, [route_name(GROWING)]);
    let growth = &diagnosis.growth[0];
    assert!((1.09..1.15).contains(&growth.per_day), "{growth:?}");
    assert!(growth.last_p50 > 1.8 * growth.first_p50, "{growth:?}");
}

#[test]
fn a_steady_week_has_no_growth_and_no_incident() {
    let diagnosis = week(|_, _| {});
    assert!(diagnosis.growth.is_empty(), "{:?}", diagnosis.growth);
    assert!(diagnosis.incidents.is_empty(), "{:?}", diagnosis.incidents);
}
