"""Chinese, Japanese and Korean names: a family name that starts them, and what stands around them."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.policy.entities import Entity

#: The hundred most frequent family names of China (2020 census), with traditional forms.
_CHINESE_FAMILY: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康"
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭葉蘇呂盧鍾譚陸範賈鄒閻龍賀顧龔萬錢嚴湯"
)
_COMPOUND_FAMILY: Final = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|令狐|慕容|歐陽|司馬|諸葛"
_GIVEN: Final = r"[\u4e00-\u9fff]{1,2}"
#: Particles and words that a given name does not end with, nor begin with.
_NOT_GIVEN: Final = frozenset(
    "谢的了是在不没有和与或也都就还他她它们我你这那说要能会请把被给到从对为以及等个中上下大小多少新旧好先后前里外时日月年号项目户单点线段"
)
_BEFORE: Final = (
    r"(?:我是|我叫|叫做|名叫|叫|姓名[:是为 ]?|名字[:是叫 ]{0,2}|联系人?[: ]?|聯繫|找|转给|"
    r"转交给|发给|分配给|给|由|和|与|跟|同事|经理|老师|客户|用户|员工|负责人[: ]?|请|让|告诉"
    r"|通知|邀请|添加|删除|移除|感谢|谢谢|^|[,。;:!?、\s\"'(@])"
)
_AFTER: Final = (
    r"(?=$|[,。;:!?、\s\"')]|的|他|她|说|在|是|还|先生|女士|小姐|老师|经理|总|已|不|没|无法|"
    r"想|要|需要|反映|报告|收|也|和|与|同事|有|能|会|把|被)"
)
_CHINESE: Final = re.compile(
    rf"(?:{_BEFORE})(?P<name>(?:{_COMPOUND_FAMILY}|[{_CHINESE_FAMILY}]){_GIVEN}?){_AFTER}"
)
_CHINESE_TITLED: Final = re.compile(
    rf"(?P<name>(?:{_COMPOUND_FAMILY}|[{_CHINESE_FAMILY}]){_GIVEN}?)(?=先生|女士|小姐|老师|"
    rf"经理|总监|同学|医生|律师)"
)
#: Frequent family names of Japan (Myōji Yurai Net), and what a name is addressed with.
_JAPANESE_FAMILY: Final = "|".join(word_list("person_east_asian", "japanese_family"))
_JAPANESE: Final = re.compile(
    rf"(?P<name>(?:{_JAPANESE_FAMILY})[ 　]?[\u3400-\u9fff\u3041-\u3096\u30a1-\u30faー]{{0,4}}"
    rf"?)(?=さん|様|さま|氏|くん|ちゃん|先生|部長|課長|社長|と申します|といいます|です)"
)
_JAPANESE_FULL: Final = re.compile(
    rf"(?P<name>(?:{_JAPANESE_FAMILY})[ 　]?[\u3400-\u9fff]{{1,3}})(?=[がはをにのとへ、。,.\s]|$)"
)
_JAPANESE_ADDRESSED: Final = re.compile(
    r"(?P<name>[\u3400-\u9fff]{2,6}|[\u30a1-\u30fa・ー]{3,12})(?=さん(?!か月)|様(?!式|子|々)|氏(?!名))"
)
_JAPANESE_OFFICES: Final = frozenset(word_list("person_east_asian", "japanese_offices"))
#: The family names of nine tenths of Korea (Statistics Korea, 2015).
_KOREAN_FAMILY: Final = "".join(word_list("person_east_asian", "korean_family"))
_KOREAN: Final = re.compile(
    rf"(?<![\uac00-\ud7af])(?P<name>(?:남궁|황보|제갈|선우|"
    rf"[{_KOREAN_FAMILY}])[\uac00-\ud7af]{{1,2}})(?= ?(?:씨|님|군|양|과장|대리|부장|팀장|사장"
    rf"|선생|입니다|이라고|라고|이에요|예요))"
    rf"|(?:제 이름은|이름은|이름: ?|저는|담당자:? ?|성명: ?) ?"
    rf"(?P<introduced>[{_KOREAN_FAMILY}][\uac00-\ud7af]{{2}})"
)
_KOREAN_OFFICES: Final = frozenset(word_list("person_east_asian", "korean_offices"))


class EastAsianPersonRecognizer(RuleRecognizer):
    """Finds names written in Han, Kana and Hangul."""

    entities: ClassVar = (Entity.PERSON,)

    def may_find(self, scan: Scan) -> bool:
        """Nothing of these scripts is ASCII."""
        return not scan.ascii

    def find(self, scan: Scan) -> Iterator[Found]:
        """Names with their context's proof."""
        text = scan.text
        for match in (*_CHINESE.finditer(text), *_CHINESE_TITLED.finditer(text)):
            if not _NOT_GIVEN & set(match["name"][1:]):
                yield Found(*match.span("name"), Entity.PERSON, 0.7)
        for pattern in (_JAPANESE, _JAPANESE_FULL, _JAPANESE_ADDRESSED):
            for match in pattern.finditer(text):
                if match["name"] not in _JAPANESE_OFFICES:
                    yield Found(*match.span("name"), Entity.PERSON, 0.7)
        for match in _KOREAN.finditer(text):
            group = "name" if match["name"] else "introduced"
            if match[group] not in _KOREAN_OFFICES:
                yield Found(*match.span(group), Entity.PERSON, 0.7)
