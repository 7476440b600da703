//! Messages as WeChat's pages show them, and what must not pass for one.

use proptest::prelude::*;

use super::*;

const FROM: &str = "oIDrpjqASyTPnxRmpS9O_ruZGsfk";
const SUBSCRIBE: &str = "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>
<FromUserName><![CDATA[oIDrpjqASyTPnxRmpS9O_ruZGsfk]]></FromUserName>
<CreateTime>1702872000</CreateTime><MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[]]></EventKey></xml>";

fn deed(text: &str) -> Deed {
    Message::read(text.as_bytes()).unwrap().deed
}

fn refused(text: &str) -> Malformed {
    Message::read(text.as_bytes()).unwrap_err()
}

fn said(content: &str) -> String {
    SUBSCRIBE
        .replace("[event]", "[text]")
        .replace("</xml>", &format!("<Content>{content}</Content></xml>"))
}

#[test]
fn what_somebody_did_is_read_with_who_and_when() {
    let message = Message::read(SUBSCRIBE.as_bytes()).unwrap();
    assert_eq!(message.to, "gh_7f083739789a");
    assert_eq!(message.from, FROM);
    assert_eq!(message.created_at_s, 1_702_872_000);
    for (event, expected) in [
        ("subscribe", Deed::Subscribe),
        ("unsubscribe", Deed::Unsubscribe),
        ("SCAN", Deed::Scan),
        ("scan", Deed::Other),
        ("LOCATION", Deed::Other),
        ("", Deed::Other),
    ] {
        assert_eq!(deed(&SUBSCRIBE.replace("[subscribe]", &format!("[{event}]"))), expected);
    }
    assert_eq!(deed(&SUBSCRIBE.replace("[event]", "[image]")), Deed::Other);
    assert_eq!(deed(&SUBSCRIBE.replace("[event]", "[text]")), Deed::Other);
    let text = |text: &str| Deed::Text(text.to_owned());
    assert_eq!(deed(&said("<![CDATA[点赞 <b>]]>")), text("点赞 <b>"));
    assert_eq!(deed(&said("a &amp; b &#x4e00;")), text("a & b 一"));
    assert_eq!(deed(&said("<![CDATA[a]]>b<![CDATA[c]]>")), text("abc"));
    assert_eq!(deed(&format!("<?xml version=\"1.0\"?>{}", said(""))), text(""));
}

#[test]
fn no_document_type_and_no_entity_of_ones_own_is_read() {
    let laughs: String = (1..9)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    for doctype in [
        "<!DOCTYPE xml>".to_owned(),
        "<!DOCTYPE xml SYSTEM \"http://127.0.0.1:1/x.dtd\">".to_owned(),
        "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        format!("<!DOCTYPE xml [<!ENTITY l0 \"lol\">{laughs}]>"),
    ] {
        assert_eq!(refused(&format!("{doctype}{SUBSCRIBE}")), Malformed::Unreadable);
        assert_eq!(refused(&format!("{doctype}{}", said("&l8;"))), Malformed::Unreadable);
    }
    for entity in ["&x;", "&nbsp;", "&#0;", "&"] {
        assert_eq!(refused(&said(entity)), Malformed::Unreadable, "{entity}");
    }
}

#[test]
fn what_is_there_twice_or_is_missing_or_is_no_name_or_time_is_refused() {
    let field = |name: &str, text: &str| format!("<{name}>{text}</{name}></xml>");
    for (name, text) in [
        ("FromUserName", FROM),
        ("ToUserName", "gh_1"),
        ("CreateTime", "1702872000"),
        ("MsgType", "event"),
        ("Event", "unsubscribe"),
    ] {
        assert_eq!(
            refused(&SUBSCRIBE.replace("</xml>", &field(name, text))),
            Malformed::Unreadable
        );
        if name != "Event" {
            let without = SUBSCRIBE.replace(name, "Another");
            assert_eq!(refused(&without), Malformed::Unreadable, "{name}");
        }
    }
    for from in ["", "a b", "o]]&gt;", "o/../x", "ö", "o\n", &"o".repeat(65)] {
        let text = SUBSCRIBE.replace(&format!("<![CDATA[{FROM}]]>"), from);
        assert_eq!(refused(&text), Malformed::Unreadable, "{from}");
    }
    for at in ["", "0", "-1", "+1702872000", "1e9", "253402300800", "99999999999999999999"] {
        let text = SUBSCRIBE.replace("1702872000", at);
        assert_eq!(refused(&text), Malformed::Unreadable, "{at}");
    }
    let within = SUBSCRIBE.replace("<![CDATA[subscribe]]>", "<b>subscribe</b>");
    assert_eq!(refused(&within), Malformed::Unreadable);
    assert_eq!(refused(&SUBSCRIBE.replace("xml>", "html>")), Malformed::Unreadable);
    assert_eq!(refused(&format!("<a>{SUBSCRIBE}</a>")), Malformed::Unreadable);
    assert_eq!(refused(""), Malformed::Unreadable);
    assert_eq!(refused("<xml><Encrypt>abc</Encrypt></xml>"), Malformed::Encrypted);
}

#[test]
fn neither_depth_nor_number_overwhelms_it() {
    for body in ["<xml>".repeat(3_200), "<xml><a/>".to_owned() + &"<a/>".repeat(4_000) + "</xml>"] {
        assert_eq!(refused(&body), Malformed::Unreadable);
    }
    let attributes: String = (0..1_500).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(refused(&format!("<xml{attributes}/>")), Malformed::Unreadable);
}

#[test]
fn a_reply_is_read_as_it_was_meant_whatever_its_text_is() {
    let message = Message::read(SUBSCRIBE.as_bytes()).unwrap();
    for (text, read) in [
        ("点此投票：https://a.example/campaigns/c#link=x", None),
        ("]]>", None),
        ("a]]]]>>b<![CDATA[c]]></Content><Content>", None),
        ("a\0b\x1Fc\u{FFFE}\n", Some("abc\n")),
    ] {
        let xml = message.reply(text, 1_702_872_001);
        let reply = Message::read(xml.as_bytes()).unwrap();
        assert_eq!((reply.to.as_str(), reply.from.as_str()), (FROM, "gh_7f083739789a"));
        assert_eq!(reply.created_at_s, 1_702_872_001);
        assert_eq!(reply.deed, Deed::Text(read.unwrap_or(text).to_owned()));
    }
}

#[test]
fn nobody_is_named_when_a_message_is_shown() {
    let message = Message::read(said("my name").as_bytes()).unwrap();
    let shown = format!("{message:?}");
    assert!(shown.contains("1702872000"), "{shown}");
    for secret in [FROM, "gh_7f", "my name"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(Message::read(&body));
    }

    #[test]
    fn no_damage_to_a_message_makes_it_panic(
        at in 0..SUBSCRIBE.len(),
        length in 0usize..40,
        by in "[<>&;!\\[\\]/a-zA-Z0-9 \"=#?\\-]{0,20}",
    ) {
        let end = (at + length).min(SUBSCRIBE.len());
        drop(Message::read(format!("{}{by}{}", &SUBSCRIBE[..at], &SUBSCRIBE[end..]).as_bytes()));
    }

    #[test]
    fn any_text_that_xml_allows_comes_through_a_reply(text in "[\\]>a\n\u{4E00}-\u{9FFF}]{0,40}") {
        let message = Message::read(SUBSCRIBE.as_bytes()).unwrap();
        let reply = Message::read(message.reply(&text, 1).as_bytes()).unwrap();
        prop_assert_eq!(reply.deed, Deed::Text(text));
    }
}
