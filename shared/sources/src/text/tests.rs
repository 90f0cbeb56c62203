use proptest::prelude::*;
use trust::marketplace::{Currency, Money};
use trust::offering::Period;
use trust::time::Day;
use trust::units::{BitRate, ByteRate, Size};

use super::*;

fn decimal(text: &str) -> Result<String, Doubt> {
    score(text).map(|number| number.to_string())
}

#[test]
fn numbers_are_read_with_every_separator_and_never_guessed() {
    for (text, expected) in [
        ("20,000", Ok("20000")),
        ("32,000", Ok("32000")),
        ("1,234,567", Ok("1234567")),
        ("1.234.567", Ok("1234567")),
        ("1,234.50", Ok("1234.5")),
        ("1.234,50", Ok("1234.5")),
        ("1 234", Ok("1234")),
        ("1\u{a0}234,5", Ok("1234.5")),
        ("1'234", Ok("1234")),
        ("25.8", Ok("25.8")),
        ("17,48", Ok("17.48")),
        ("0.125", Ok("0.125")),
        ("0,125", Ok("0.125")),
        ("4693.667", Ok("4693.667")),
        ("132.5", Ok("132.5")),
        ("71/100", Ok("71")),
        ("71 / 100", Ok("71")),
        (" 8 ", Ok("8")),
        ("1.324", Err(Doubt::Ambiguous)),
        ("999.999", Err(Doubt::Ambiguous)),
        ("N/A", Err(Doubt::Absent)),
        ("--", Err(Doubt::Absent)),
        ("", Err(Doubt::Absent)),
        ("busy ", Err(Doubt::Busy)),
        ("4.5/5", Err(Doubt::Unreadable)),
        ("101/100", Err(Doubt::Unreadable)),
        ("1,00,000", Err(Doubt::Unreadable)),
        ("1,23.4.5", Err(Doubt::Unreadable)),
        ("8 400 12", Err(Doubt::Unreadable)),
        ("8\n400", Err(Doubt::Unreadable)),
        ("-4", Err(Doubt::Unreadable)),
        (".5", Err(Doubt::Unreadable)),
        ("1e5", Err(Doubt::Unreadable)),
        ("٣", Err(Doubt::Unreadable)),
        ("about 8", Err(Doubt::Unreadable)),
        ("99999999999999999999999", Err(Doubt::TooLarge)),
        ("0.1234567891", Err(Doubt::TooFine)),
    ] {
        assert_eq!(decimal(text).as_deref(), expected.as_ref().copied(), "{text:?}");
    }
}

#[test]
fn counts_take_a_multiplier_and_have_no_fraction() {
    for (text, expected) in [
        ("57.5k", Ok(57_500)),
        ("57.5K", Ok(57_500)),
        ("1.2M", Ok(1_200_000)),
        ("8", Ok(8)),
        ("8.5", Err(Doubt::Unreadable)),
        ("8 cores", Err(Doubt::Unreadable)),
        ("1.324k", Err(Doubt::Ambiguous)),
    ] {
        assert_eq!(count(text), expected, "{text:?}");
    }
}

#[test]
fn sizes_are_decimal_for_disks_and_binary_for_memory_and_for_every_i() {
    for (text, unit, giga, expected) in [
        ("400 GB", None, Giga::Decimal, Ok(Size::gb(400))),
        ("400", Some("GBs"), Giga::Decimal, Ok(Size::gb(400))),
        ("20,000", Some("GB"), Giga::Decimal, Ok(Size::gb(20_000))),
        ("32 GB", None, Giga::Memory, Ok(Size::gib(32))),
        ("32", Some("GBs"), Giga::Memory, Ok(Size::gib(32))),
        ("32 GiB", None, Giga::Decimal, Ok(Size::gib(32))),
        ("512MB", None, Giga::Memory, Ok(Size::mib(512))),
        ("1.5TB", None, Giga::Decimal, Ok(Size::gb(1_500))),
        ("400", None, Giga::Decimal, Err(Doubt::NoUnit)),
        ("400 Gb", None, Giga::Decimal, Err(Doubt::Ambiguous)),
        ("400 Mbps", None, Giga::Decimal, Err(Doubt::OtherUnit)),
        ("1.324 GB", None, Giga::Decimal, Err(Doubt::Ambiguous)),
        ("99999999999 TB", None, Giga::Decimal, Err(Doubt::TooLarge)),
    ] {
        assert_eq!(size(text, unit, giga), expected, "{text:?} {unit:?}");
    }
}

#[test]
fn traffic_may_be_unlimited() {
    for (text, expected) in [
        ("Unlimited", Ok(Allowance::Unlimited)),
        ("unmetered", Ok(Allowance::Unlimited)),
        ("20 TB", Ok(Allowance::Upto(Size::gb(20_000)))),
        ("20 TB/mo", Ok(Allowance::Upto(Size::gb(20_000)))),
        ("20TB per month", Ok(Allowance::Upto(Size::gb(20_000)))),
        ("Unlimited*", Err(Doubt::Unreadable)),
    ] {
        assert_eq!(allowance(text, None), expected, "{text:?}");
    }
}

#[test]
fn rates_of_bits_and_of_bytes_are_told_apart_or_doubted() {
    // What the YABS of the reference prints: 1.61 Gbits/sec, 665 Mbits/sec, 150 Kbits/sec, 1.98 GB/s; and the sites' own forms.
    for (text, expected) in [
        ("1.61 Gbits/sec", Ok(1_610_000_000)),
        ("665 Mbits/sec", Ok(665_000_000)),
        ("150 Kbits/sec", Ok(150_000)),
        ("2,500 Mbps", Ok(2_500_000_000)),
        ("1 Gbit/s", Ok(1_000_000_000)),
        ("10 gbps", Ok(10_000_000_000)),
        ("100 Mb/s", Ok(100_000_000)),
        ("100 mb/s", Err(Doubt::Ambiguous)),
        ("100 MBPS", Err(Doubt::Ambiguous)),
        ("100 MB/s", Err(Doubt::OtherUnit)),
        ("busy ", Err(Doubt::Busy)),
        ("100", Err(Doubt::NoUnit)),
        ("100 GHz", Err(Doubt::OtherUnit)),
    ] {
        assert_eq!(bit_rate(text, None), expected.map(BitRate::bits_per_second), "{text:?}");
    }
    for (text, expected) in [
        ("1.98 GB/s", Ok(ByteRate::mb_per_second(1_980))),
        ("3000 MiB/s", Ok(ByteRate::kib_per_second(3_000 * 1024))),
        ("12.55 GB/s", Ok(ByteRate::mb_per_second(12_550))),
        ("512.5 KiB/s", Ok(ByteRate::bytes_per_second(524_800))),
        ("640 MBps", Ok(ByteRate::mb_per_second(640))),
        ("640 Mbps", Err(Doubt::OtherUnit)),
    ] {
        assert_eq!(byte_rate(text, None), expected, "{text:?}");
    }
    assert_eq!(bit_rate("2,500", Some("Mbps")), Ok(BitRate::mbit_per_second(2_500)));
}

fn money(minor_units: u64, code: &str) -> Money {
    Money { minor_units, currency: Currency::try_from(code.to_owned()).unwrap() }
}

#[test]
fn prices_have_their_currency_before_or_behind_and_none_is_assumed() {
    for (text, expected) in [
        ("$73.99", Ok((7_399, "USD", None))),
        ("$73.99/mo", Ok((7_399, "USD", Some(Period::Month)))),
        ("$ 1,324", Ok((132_400, "USD", None))),
        ("17.48 EUR", Ok((1_748, "EUR", None))),
        ("EUR 19.99", Ok((1_999, "EUR", None))),
        ("€17,48 / month", Ok((1_748, "EUR", Some(Period::Month)))),
        ("17,48 €", Ok((1_748, "EUR", None))),
        ("1.234,50 €", Ok((123_450, "EUR", None))),
        ("$73.99 USD", Ok((7_399, "USD", None))),
        ("C$20 CAD", Ok((2_000, "CAD", None))),
        ("JPY 1,200", Ok((1_200, "JPY", None))),
        ("$0.02/hr", Ok((2, "USD", Some(Period::Hour)))),
        ("$120 per year", Ok((12_000, "USD", Some(Period::Year)))),
        ("$1.324", Err(Doubt::Ambiguous)),
        ("73.99", Err(Doubt::NoCurrency)),
        ("¥1200", Err(Doubt::NoCurrency)),
        ("100 kr", Err(Doubt::NoCurrency)),
        ("$20 CAD", Err(Doubt::Ambiguous)),
        ("$0.0075/h", Err(Doubt::TooFine)),
        ("JPY 12.50", Err(Doubt::TooFine)),
        ("$73.99 $50.99", Err(Doubt::Unreadable)),
        ("from $5", Err(Doubt::Unreadable)),
        ("$5 off", Err(Doubt::Unreadable)),
        ("N/A", Err(Doubt::Absent)),
        ("Free", Err(Doubt::Unreadable)),
    ] {
        let expected = expected.map(|(units, code, per)| Price { money: money(units, code), per });
        assert_eq!(price(text), expected, "{text:?}");
    }
}

#[test]
fn dates_of_three_kinds_are_the_same_day() {
    for (text, expected) in [
        ("09/12/26", Some("2026-09-12")),
        ("9/12/2026", Some("2026-09-12")),
        ("09Dec2025", Some("2025-12-09")),
        ("17Oct2020", Some("2020-10-17")),
        ("20251125", Some("2025-11-25")),
        ("2025-11-25", Some("2025-11-25")),
        ("2025-11-25T10:00:00Z", Some("2025-11-25")),
        ("Dec 9, 2025", Some("2025-12-09")),
        ("9 December 2025", Some("2025-12-09")),
        ("Sept 12, 2026", Some("2026-09-12")),
        ("02/29/28", Some("2028-02-29")),
        ("02/29/26", None),
        ("13/12/26", None),
        ("2025-11-25T23:00:00-05:00", None),
        ("25Nov", None),
        ("09Dec25", None),
        ("1/2", None),
        ("1/2/3/4", None),
        ("19991231", None),
        ("yesterday", None),
    ] {
        assert_eq!(day(text).ok(), expected.map(|day| Day::parse(day).unwrap()), "{text:?}");
    }
}

#[test]
fn grades_are_capitals_with_or_without_a_sign() {
    for text in ["A+", "A", "A-", "B", "F"] {
        assert_eq!(text.parse::<Grade>().map(|grade| grade.to_string()), Ok(text.to_owned()));
    }
    assert_eq!("N/A".parse::<Grade>(), Err(Doubt::Absent));
    for text in ["a", "G", "A++", "AMD", "A B"] {
        assert_eq!(text.parse::<Grade>(), Err(Doubt::Unreadable), "{text}");
    }
}

#[test]
fn durations_clocks_and_answers_need_their_units_and_words() {
    assert_eq!(
        (seconds("90s"), seconds("72000s"), seconds("72,000 seconds")),
        (Ok(90), Ok(72_000), Ok(72_000))
    );
    assert_eq!(
        (seconds("1.5 min"), seconds("90"), seconds("2 days")),
        (Ok(90), Err(Doubt::NoUnit), Err(Doubt::Unreadable))
    );
    assert_eq!(
        (megahertz("3.25 GHz"), megahertz("2445.4 MHz"), megahertz("3.25")),
        (Ok(3_250), Ok(2_445), Err(Doubt::NoUnit))
    );
    assert_eq!(
        (yes("Yes"), yes("no"), yes("maybe"), yes("N/A")),
        (Ok(true), Ok(false), Err(Doubt::Unreadable), Err(Doubt::Absent))
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>(), unit in proptest::option::of(any::<String>())) {
        every_reader(&text, unit.as_deref());
    }

    #[test]
    fn no_text_that_is_nearly_a_value_makes_a_reader_panic(text in "[0-9., kKMGiBbps/€$+\\-A-F'\u{a0}]{0,24}") {
        every_reader(&text, Some("GB"));
    }

    #[test]
    fn a_decimal_reads_back_as_it_is_printed(digits in 0_u64..10_000_000_000, scale in 0_u32..9) {
        let width = scale as usize;
        let divisor = 10_u64.pow(scale);
        let written = format!("{}.{:0width$}0", digits / divisor, digits % divisor);
        let Ok(read) = Decimal::try_from(written.clone()) else { return Err(TestCaseError::fail(written)) };
        prop_assert_eq!(Decimal::try_from(read.to_string()), Ok(read));
        prop_assert_eq!(read.times_exactly(divisor), Some(digits));
    }

    #[test]
    fn grouped_and_plain_numbers_are_the_same(number in 0_u64..1_000_000_000_000) {
        for separator in [",", " ", "'", "\u{202f}"] {
            prop_assert_eq!(count(&grouped(number, separator)), Ok(number));
        }
        prop_assert_eq!(count(&number.to_string()), Ok(number));
    }

    #[test]
    fn prices_read_back_in_every_way_they_are_written(cents in 0_u64..100_000_000) {
        let (whole, fraction) = (grouped(cents / 100, ","), cents % 100);
        let expected = Price { money: money(cents, "EUR"), per: None };
        for text in [
            format!("€{whole}.{fraction:02}"),
            format!("EUR {whole}.{fraction:02}"),
            format!("{whole}.{fraction:02} EUR"),
            format!("{},{fraction:02} €", grouped(cents / 100, ".")),
        ] {
            prop_assert_eq!(price(&text), Ok(expected.clone()), "{}", text);
        }
    }

    #[test]
    fn days_read_back_in_every_way_they_are_written(days in 0_u16..29_900) {
        let day_of_life = Day::parse("2082-01-01").unwrap().minus(days);
        let iso = day_of_life.to_string();
        let (year, month, date) = (&iso[..4], &iso[5..7], &iso[8..]);
        let name = ["Jan","Feb","Mar","Apr","May","Jun","Jul","Aug","Sep","Oct","Nov","Dec"][month.parse::<usize>().unwrap() - 1];
        for text in [
            iso.clone(), format!("{year}{month}{date}"), format!("{date}{name}{year}"), format!("{month}/{date}/{year}"),
            format!("{month}/{date}/{}", &year[2..]),
        ] {
            prop_assert_eq!(day(&text), Ok(day_of_life), "{}", text);
        }
    }

    #[test]
    fn sizes_and_rates_read_back_as_they_are_printed(count in 0_u64..10_000_000) {
        prop_assert_eq!(size(&format!("{count} GiB"), None, Giga::Decimal), Ok(Size::gib(count)));
        prop_assert_eq!(size(&format!("{count}MB"), None, Giga::Decimal), Ok(Size::mb(count)));
        prop_assert_eq!(byte_rate(&format!("{count} KiB/s"), None), Ok(ByteRate::kib_per_second(count)));
        prop_assert_eq!(bit_rate(&format!("{count} Mbit/s"), None), Ok(BitRate::mbit_per_second(count)));
    }
}

fn every_reader(text: &str, unit: Option<&str>) {
    let _ = (score(text), count(text), seconds(text), megahertz(text), yes(text), label(text), absence(text));
    let _ = (size(text, unit, Giga::Decimal), size(text, unit, Giga::Memory), allowance(text, unit));
    let _ = (byte_rate(text, unit), bit_rate(text, unit), price(text), day(text), text.parse::<Grade>());
    let _ = Decimal::try_from(text.to_owned());
}

fn grouped(number: u64, separator: &str) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(separator)
}

#[test]
fn what_nobody_sees_is_left_out_of_a_text_for_people() {
    for (text, seen) in [
        ("Root\u{ad}Server \u{200b} XL", "RootServer XL"),
        ("\u{202e}Xeon\u{202c}", "Xeon"),
        ("Intel\t\u{7}  Xeon\n", "Intel Xeon"),
        ("\u{200b}", ""),
    ] {
        assert_eq!(collapsed(text, 100), seen);
    }
    assert_eq!(collapsed("a\u{ad}bc d", 3), "abc");
    assert_eq!(collapsed("ab cd", 3), "ab");
}
