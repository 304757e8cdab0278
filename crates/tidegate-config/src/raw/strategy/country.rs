//! The countries there are, by their codes.

/// ISO 3166-1 alpha-2, and XK, which address lists use for Kosovo.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO \
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW \
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// Whether a code in capitals is a country's.
pub(super) fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split(' ').any(|known| known == code)
}

/// Codes of continents that are no country's: Europe and Oceania. The others are told by `region` in a rule.
pub(super) fn is_continent(code: &str) -> bool {
    matches!(code, "EU" | "OC")
}

/// The country that was meant by a code that is none.
pub(super) fn meant(code: &str) -> Option<&'static str> {
    match code {
        "UK" | "EN" => Some("GB"),
        "JA" => Some("JP"),
        "DA" => Some("DK"),
        "AUS" => Some("AU"),
        "NZL" => Some("NZ"),
        "USA" => Some("US"),
        "DEU" | "GER" => Some("DE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_250_codes_each_once_in_order() {
        let codes: Vec<&str> = COUNTRIES.split(' ').collect();
        assert_eq!(codes.len(), 250);
        assert!(codes.is_sorted_by(|a, b| a < b));
        assert!(is_country("NZ") && !is_country("XX") && !is_country("nz") && !is_country("NZ AU"));
    }
}
