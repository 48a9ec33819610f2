//! Characters that are drawn as nothing.

/// Returns whether a character may be drawn as nothing, so that two names with and without it look the same.
///
/// The property `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`), which a test compares with
/// `unicode-security`, and what Unicode does not count as ignorable although nothing of its own is seen:
///
/// * format controls that come before no other sign: interlinear annotations (U+FFF9 to U+FFFB), the controls of
///   Egyptian hieroglyphs (U+13430 to U+13440);
/// * blank signs: the Braille pattern without dots, the null notehead, the blanks of Egyptian hieroglyphs (U+13441 and
///   U+13442), the filler of the Khitan script, the place of an object (U+FFFC);
/// * marks that only change their neighbours: the joiners of Tifinagh consonants and Brahmi numbers, Duployan's thick
///   letter selector.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{2D7F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFC}' | '\u{1107F}'
        | '\u{13430}'..='\u{13442}' | '\u{16FE4}' | '\u{1BC9D}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D159}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use unicode_normalization::char::is_public_assigned;
    use unicode_security::skeleton;

    use super::*;

    #[test]
    fn invisible_is_what_unicode_lets_be_ignored_and_a_few_signs_more() {
        // A skeleton leaves out what may be ignored (UTS #39), and nothing else.
        let is_ignorable = |c: char| skeleton(String::from(c).as_str()).next().is_none();
        let mut others = Vec::new();
        for c in char::MIN..=char::MAX {
            match (is_invisible(c), is_ignorable(c)) {
                (false, true) => panic!("{c:?} can be seen"),
                (true, false) => others.push(c),
                _ => {}
            }
        }
        assert!(others.iter().all(|c| is_public_assigned(*c)));
        assert_eq!(others.len(), 20 + 6 + 3, "controls, blanks, marks: {others:?}");
    }
}
