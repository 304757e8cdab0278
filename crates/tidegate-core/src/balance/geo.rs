//! Where regions are, and which is nearest: all that geographic balancing decides by.

/// A place on the globe, as a direction from its middle: nearness is then one multiplication each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point([f32; 3]);

impl Point {
    /// By latitude and longitude, in degrees.
    pub fn new(latitude: f32, longitude: f32) -> Self {
        let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
        let around = latitude.cos();
        Point([around * longitude.cos(), around * longitude.sin(), latitude.sin()])
    }

    /// The middle of the region of a zone (`eu-west/a`, `eu-west-1/b`, `us-east1`), where it is known. Any other place is
    /// written with its latitude and longitude: `52.5,13.4/a`.
    pub fn of_zone(zone: &str) -> Option<Self> {
        let region = zone.split('/').next().unwrap_or_default();
        let (latitude, longitude) = coordinates(region).or_else(|| known(region))?;
        Some(Point::new(latitude, longitude))
    }

    /// How near two places are: 1 the same, −1 opposite.
    pub fn nearness(self, other: Point) -> f32 {
        self.0.iter().zip(other.0).map(|(a, b)| a * b).sum()
    }
}

fn coordinates(region: &str) -> Option<(f32, f32)> {
    let (latitude, longitude) = region.split_once(',')?;
    let (latitude, longitude): (f32, f32) = (latitude.parse().ok()?, longitude.parse().ok()?);
    let on_the_globe = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_the_globe.then_some((latitude, longitude))
}

/// The longest known name that the region begins with, numbers at its end left out.
fn known(region: &str) -> Option<(f32, f32)> {
    let mut name = region;
    loop {
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some((_, latitude, longitude)) =
            REGIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(plain))
        {
            return Some((*latitude, *longitude));
        }
        name = name.rsplit_once('-')?.0;
    }
}

/// Names that clouds and people give to regions, and roughly where those are.
const REGIONS: [(&str, f32, f32); 62] = [
    ("af", 0.0, 20.0),
    ("af-north", 30.0, 31.2),
    ("af-south", -33.9, 18.4),
    ("africa", 0.0, 20.0),
    ("africa-south", -26.2, 28.0),
    ("an", -80.0, 0.0),
    ("ap", 20.0, 110.0),
    ("ap-east", 22.3, 114.2),
    ("ap-northeast", 35.7, 139.7),
    ("ap-south", 19.1, 72.9),
    ("ap-southeast", 1.3, 103.8),
    ("as", 34.0, 100.0),
    ("asia", 34.0, 100.0),
    ("asia-east", 24.1, 120.6),
    ("asia-northeast", 35.7, 139.7),
    ("asia-south", 19.1, 72.9),
    ("asia-southeast", 1.3, 103.8),
    ("au", -33.9, 151.2),
    ("australia", -33.9, 151.2),
    ("br", -23.5, -46.6),
    ("ca", 45.5, -73.6),
    ("ca-west", 51.0, -114.1),
    ("ch", 47.4, 8.5),
    ("cn", 39.9, 116.4),
    ("cn-south", 23.1, 113.3),
    ("de", 50.1, 8.7),
    ("eu", 50.0, 10.0),
    ("eu-central", 50.1, 8.7),
    ("eu-east", 52.2, 21.0),
    ("eu-north", 59.3, 18.1),
    ("eu-south", 45.5, 9.2),
    ("eu-west", 53.3, -6.3),
    ("europe", 50.0, 10.0),
    ("europe-central", 52.2, 21.0),
    ("europe-north", 60.6, 27.2),
    ("europe-southwest", 40.4, -3.7),
    ("europe-west", 50.4, 3.8),
    ("fr", 48.9, 2.4),
    ("il", 32.1, 34.8),
    ("in", 19.1, 72.9),
    ("jp", 35.7, 139.7),
    ("jp-west", 34.7, 135.5),
    ("kr", 37.6, 127.0),
    ("me", 26.1, 50.5),
    ("me-central", 25.2, 55.3),
    ("me-west", 32.1, 34.8),
    ("mx", 20.6, -100.4),
    ("na", 40.0, -100.0),
    ("northamerica", 45.5, -73.6),
    ("oc", -25.0, 140.0),
    ("sa", -15.0, -60.0),
    ("sa-east", -23.5, -46.6),
    ("sa-west", -33.4, -70.6),
    ("sg", 1.3, 103.8),
    ("southamerica", -23.5, -46.6),
    ("uk", 51.5, -0.1),
    ("us", 39.0, -95.0),
    ("us-central", 41.3, -95.9),
    ("us-east", 39.0, -77.5),
    ("us-gov-west", 45.6, -121.2),
    ("us-south", 32.8, -96.8),
    ("us-west", 37.4, -122.1),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest<'a>(latitude: f32, longitude: f32, zones: &[&'a str]) -> &'a str {
        let client = Point::new(latitude, longitude);
        let nearness = |zone: &&&str| Point::of_zone(zone).unwrap().nearness(client);
        zones.iter().max_by(|a, b| nearness(a).total_cmp(&nearness(b))).unwrap()
    }

    #[test]
    fn the_nearest_region_is_found_also_over_the_date_line() {
        let zones = ["eu-west-1/a", "us-east1/b", "ap-northeast/a", "52.5,13.4/x"];
        assert_eq!(nearest(51.5, -0.1, &zones), "eu-west-1/a");
        assert_eq!(nearest(50.1, 14.4, &zones), "52.5,13.4/x");
        assert_eq!(nearest(40.7, -74.0, &zones), "us-east1/b");
        // Fiji's neighbour on the map's other edge is nearer than what the map shows beside it.
        assert_eq!(nearest(-17.7, 179.0, &["-17.7,-179.0", "-17.7,150.0"]), "-17.7,-179.0");
    }

    #[test]
    fn names_are_known_by_their_beginning() {
        for (zone, same) in
            [("eu-west-3/c", "eu-west"), ("EU-Central-1", "eu-central"), ("us-unheard-of/a", "us")]
        {
            assert_eq!(Point::of_zone(zone), Point::of_zone(same), "{zone}");
            assert!(Point::of_zone(zone).is_some(), "{zone}");
        }
        for zone in ["", "rack-7", "91,0", "0,181", "1,", "nan,nan"] {
            assert_eq!(Point::of_zone(zone), None, "{zone}");
        }
    }
}
