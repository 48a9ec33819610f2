//! The values of options in a configuration file, where they are written as on the command line.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::value::{Bytes, Count, ForDialect, Names, OnLag, OrOff, RatePerSecond, Time, ValueError, dialect};

/// Reads a value that a file writes as the command line does; a whole number needs no quotation marks.
pub(crate) fn from_text<'de, T, D>(file: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    file.deserialize_any(Text(PhantomData))
}

/// As [`from_text`], for a key that may be missing.
pub(crate) fn some_from_text<'de, T, D>(file: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    from_text(file).map(Some)
}

/// Reads a value for all dialects, or a table with one for each.
pub(crate) fn per_dialect<'de, T, D>(file: D) -> Result<Vec<ForDialect<T>>, D::Error>
where
    T: FromStr<Err = ValueError> + Deserialize<'de>,
    D: Deserializer<'de>,
{
    file.deserialize_any(PerDialect(PhantomData))
}

struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotation marks or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    // A number beyond the range of any limit is reported as such.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

struct PerDialect<T>(PhantomData<T>);

impl<'de, T: FromStr<Err = ValueError> + Deserialize<'de>> Visitor<'de> for PerDialect<T> {
    type Value = Vec<ForDialect<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value for all dialects or a table with one for each")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let value = Text(PhantomData).visit_str(text)?;
        Ok(vec![ForDialect { dialect: None, value }])
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some((name, value)) = table.next_entry::<String, T>()? {
            values.push(ForDialect { dialect: Some(dialect(&name).map_err(de::Error::custom)?), value });
        }
        Ok(values)
    }
}

macro_rules! read_from_text {
    ($($kind:ty),+) => {$(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
                from_text(file)
            }
        }
    )+};
}

read_from_text!(Count, Bytes, Time, RatePerSecond, OnLag, Names);

impl<'de, T: FromStr<Err = ValueError>> Deserialize<'de> for OrOff<T> {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        from_text(file)
    }
}
