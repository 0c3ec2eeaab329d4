// How the page looks, on a screen by day and night and on paper, and its one script. Status is told by word and by
// pattern, never by colour alone.
#include "posture/report/markup.h"

namespace cloister::posture::report {

std::string_view style_text() {
  return R"(
:root{color-scheme:light dark;--bg:#fbfaf7;--panel:#fff;--ink:#1d2329;--soft:#5d6771;--line:#e4e1d9;--accent:#1f5a66;--wash:#f3f1eb;
--pass:#2a7555;--pass-bg:#e3f0e9;--fail:#ad3128;--fail-bg:#fae8e5;--open:#63519c;--open-bg:#eeeaf7;--open-line:#cfc6ea;
--except:#8a5d0c;--except-bg:#f9efd9;--none:#69727b}
@media (prefers-color-scheme:dark){:root{--bg:#15181b;--panel:#1b1f23;--ink:#e7e5df;--soft:#a0a8b0;--line:#2f353b;--accent:#7cc3cf;--wash:#20252a;
--pass:#74c79e;--pass-bg:#17302a;--fail:#f08f84;--fail-bg:#3c1f1c;--open:#b9a8ee;--open-bg:#2a2442;--open-line:#40366a;
--except:#dcb464;--except-bg:#352b16;--none:#9aa2aa}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1,h2,.level{font-family:"Iowan Old Style","Palatino Linotype",Palatino,Charter,Georgia,"DejaVu Serif",serif;font-weight:600;letter-spacing:-.01em}
h1{font-size:2rem;line-height:1.15;margin:.1rem 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.45rem;line-height:1.25;margin:0 0 .35rem}
h3{font-size:1.02rem;margin:1.6rem 0 .4rem}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:2px}
a.id{font-weight:600;white-space:nowrap;text-decoration:none}a.id:hover{text-decoration:underline}
code,pre,.mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
code{background:var(--wash);border-radius:3px;padding:.1em .3em;overflow-wrap:anywhere}
pre{background:var(--wash);border-radius:6px;padding:.7rem .9rem;margin:.5rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.page{display:grid;grid-template-columns:minmax(0,1fr);max-width:86rem;margin:0 auto;padding:2.2rem 1.4rem 5rem}
nav{display:none}
@media (min-width:70rem){.page{grid-template-columns:12.5rem minmax(0,1fr);column-gap:3rem}
nav{display:block;position:sticky;top:2rem;align-self:start;max-height:calc(100vh - 4rem);overflow:auto;font-size:.88rem}}
nav b{display:block;margin:1.1rem 0 .3rem;font-size:.72rem;letter-spacing:.09em;text-transform:uppercase;color:var(--soft);font-weight:600}
nav b:first-child{margin-top:0}
nav a{display:block;padding:.14rem 0;color:var(--ink);text-decoration:none}nav a:hover{color:var(--accent);text-decoration:underline}
main>section{margin:0 0 3.2rem}
.part{margin:4.5rem 0 2.2rem;padding-top:1.4rem;border-top:3px double var(--line)}
.part p{margin:.2rem 0 0;color:var(--soft);max-width:46rem}
.kicker{font-size:.76rem;letter-spacing:.1em;text-transform:uppercase;color:var(--soft);font-weight:600}
.lead{color:var(--soft);max-width:46rem;margin:0 0 1rem}
.headline{font-size:1.14rem;line-height:1.55;max-width:46rem;margin:.5rem 0 1.6rem}
.meta{color:var(--soft);font-size:.88rem;margin:0 0 1.4rem;overflow-wrap:anywhere}
.nothing{color:var(--soft);font-style:italic;margin:.4rem 0}
.soft{color:var(--soft)}.small{font-size:.86rem}.late{color:var(--fail)}.num{text-align:right;font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem;margin:1.4rem 0}
.card{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem;min-width:0}
.card h3{margin:0 0 .5rem;font-size:.86rem;color:var(--soft);font-weight:600}
.card p{margin:.45rem 0 0}.card .big{font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums;margin:0 0 .3rem}
.level{font-size:2.2rem;line-height:1.1;margin:0}header .level{font-size:2.9rem;color:var(--accent);margin:.9rem 0 .2rem}
.notice{border-left:4px solid var(--except);background:var(--except-bg);padding:.6rem 1rem;border-radius:0 6px 6px 0;max-width:60rem;margin:0 0 1.4rem}
svg{display:block;max-width:100%;height:auto}
svg text{font:13px ui-sans-serif,system-ui,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink)}
svg .t-soft{fill:var(--soft);font-size:12px}svg .t-strong{font-weight:600}svg .t-mono{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
svg .t-mid{text-anchor:middle}svg .t-end{text-anchor:end}svg .t-on{fill:var(--panel);font-weight:600}
svg .f-pass{fill:var(--pass)}svg .f-fail{fill:var(--fail)}svg .f-open{fill:url(#hatch);stroke:var(--open);stroke-width:1}svg .f-except{fill:url(#dots);stroke:var(--except);stroke-width:1}
svg .f-none{fill:none;stroke:var(--none);stroke-dasharray:3 3}svg .f-empty{fill:var(--wash)}svg .f-line{fill:none;stroke:var(--line)}
svg .f-accent{fill:var(--accent)}svg .f-band{fill:var(--accent);opacity:.22}svg .l-accent{fill:none;stroke:var(--accent);stroke-width:2}
svg .l-grid{stroke:var(--line);fill:none}svg .l-mark{stroke:var(--ink);stroke-width:1.5;fill:none}svg .l-edge{fill:none;stroke:var(--soft);opacity:.55;stroke-width:1.3}
svg .n-box{fill:var(--panel);stroke:var(--line)}svg .b-pass{fill:var(--pass-bg);stroke:var(--pass)}svg .b-fail{fill:var(--fail-bg);stroke:var(--fail);stroke-width:2}
svg .p-open-bg{fill:var(--open-bg)}svg .p-open{stroke:var(--open-line);stroke-width:4}svg .p-except-bg{fill:var(--except-bg)}svg .p-except{fill:var(--except)}
svg a text{fill:inherit}svg a:hover rect{stroke:var(--ink);stroke-width:2}
.defs{position:absolute;width:0;height:0}
.badge{display:inline-block;white-space:nowrap;font-size:.78rem;line-height:1.45;font-weight:600;border-radius:4px;padding:.05rem .5rem;border:1px solid transparent}
.badge::before{content:"";display:inline-block;width:.55em;height:.55em;margin-right:.4em;border-radius:50%;background:currentColor}
.badge.pass{color:var(--pass);background:var(--pass-bg)}
.badge.fail{color:var(--fail);background:var(--fail-bg);border-color:var(--fail)}.badge.fail::before{border-radius:0;transform:rotate(45deg)}
.badge.open{color:var(--open);border:1px dashed var(--open);background:repeating-linear-gradient(135deg,var(--open-bg) 0 5px,var(--panel) 5px 10px)}.badge.open::before{background:none;border:1.5px solid currentColor}
.badge.except{color:var(--except);background:var(--except-bg);border:1px dotted var(--except)}.badge.except::before{border-radius:0;height:.28em;vertical-align:.14em}
.badge.none{color:var(--none);border:1px solid var(--line)}.badge.none::before{width:.6em;height:1.5px;vertical-align:.28em;border-radius:0}
.tag{display:inline-block;font-size:.74rem;font-weight:600;border:1px solid var(--line);border-radius:4px;padding:0 .4rem;color:var(--soft);white-space:nowrap}
.tag.critical{color:var(--ink);border-color:var(--ink)}.tag.sim{color:var(--except);border-color:var(--except)}
.wide{overflow-x:auto;margin:.4rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.5rem .7rem .5rem 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}
.name,td.mono,.holder{overflow-wrap:anywhere}td.name{min-width:9rem}
th{font-size:.76rem;color:var(--soft);font-weight:600;white-space:nowrap;border-bottom-color:var(--soft)}
.nowrap{white-space:nowrap}.obstacles{table-layout:fixed;min-width:52rem}.obstacles th:nth-child(1){width:9.8rem}.obstacles th:nth-child(2){width:8.2rem}.obstacles th:nth-child(4){width:8rem}.obstacles th:nth-child(5){width:4.6rem}.obstacles th:nth-child(6){width:32%}.obstacles td{overflow-wrap:anywhere}
.verdicts{table-layout:fixed;min-width:46rem}.verdicts th:nth-child(1){width:8.2rem}.verdicts th:nth-child(2){width:24%}.verdicts th:nth-child(4){width:24%}.verdicts th:nth-child(5){width:7rem}.verdicts td{overflow-wrap:anywhere}td .badge{margin-top:.1rem}
.map td.here{padding:.4rem .5rem}.map td.slot{width:8.2rem;min-width:6.4rem;text-align:center;background:var(--wash);border-left:4px solid var(--bg)}
.map th.slot{text-align:center;padding-right:0}.map tr.group td{font-weight:600;padding-top:1.1rem;background:none}
.holder{display:block;border-radius:5px;padding:.25rem .4rem;font-size:.78rem;line-height:1.3;font-weight:600;overflow-wrap:anywhere}
.holder a{color:inherit;text-decoration:none}.holder a:hover{text-decoration:underline}.holder.pass{color:var(--pass);background:var(--pass-bg)}.holder.fail{color:var(--fail);background:var(--fail-bg);box-shadow:inset 0 0 0 1.5px var(--fail)}
.holder.open{color:var(--open);border:1px dashed var(--open);background:repeating-linear-gradient(135deg,var(--open-bg) 0 5px,var(--panel) 5px 10px)}
ol.steps{list-style:none;counter-reset:step;padding:0;margin:0}
ol.steps>li{counter-increment:step;position:relative;padding:0 0 1.3rem 2.6rem;max-width:56rem}
ol.steps>li::before{content:counter(step);position:absolute;left:0;top:.1rem;width:1.7rem;height:1.7rem;border-radius:50%;border:1.5px solid var(--accent);color:var(--accent);text-align:center;line-height:1.55rem;font-weight:600;font-size:.88rem}
ol.steps p{margin:.15rem 0}
.control{border-top:1px solid var(--line);padding:1.2rem 0 .4rem}.control>h3{margin:0 0 .3rem;font-size:1.05rem}
.control>h3 .badge{vertical-align:.1em;margin-right:.4rem}.control p{max-width:52rem;margin:.3rem 0}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.25rem 1.2rem;margin:.5rem 0;font-size:.92rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
details{margin:.4rem 0}summary{cursor:pointer;color:var(--accent)}
ul.plain{margin:.3rem 0;padding-left:1.2rem}ul.many{columns:19rem;font-size:.84rem;margin:.5rem 0;padding-left:1.1rem}
.fact{border-top:1px solid var(--line);padding:.7rem 0;font-size:.9rem}.fact h4{margin:0;font-size:.92rem;overflow-wrap:anywhere}
.fact:target,tr:target,.control:target,p:target{outline:2px solid var(--accent);outline-offset:4px;border-radius:4px}
.filter{display:none;gap:.8rem;flex-wrap:wrap;margin:.6rem 0 1rem}.scripted .filter{display:flex}
.filter input,.filter select{font:inherit;font-size:.92rem;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.35rem .6rem}
.filter label{color:var(--soft);font-size:.88rem}.filter input{width:min(24rem,60vw)}
.legend{display:flex;gap:.5rem 1rem;flex-wrap:wrap;margin:.7rem 0;font-size:.86rem;color:var(--soft)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}
[hidden]{display:none!important}
@media print{:root{--bg:#fff;--panel:#fff;--ink:#111;--soft:#555;--line:#ccc;--accent:#1f5a66;--wash:#f4f4f2;--pass:#1f6447;--pass-bg:#e3f0e9;--fail:#9c251d;--fail-bg:#fae8e5;
--open:#4f3f86;--open-bg:#eeeaf7;--open-line:#cfc6ea;--except:#7a5107;--except-bg:#f9efd9;--none:#666}
@page{margin:16mm 14mm}body{font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
.page{display:block;max-width:none;padding:0}nav,.filter{display:none!important}a{color:inherit;text-decoration:none}
.wide{overflow:visible}table{font-size:8.5pt}tr,.card,.fact,svg,ol.steps>li{break-inside:avoid}h2,h3,h4,thead{break-after:avoid}thead{display:table-header-group}
.part{break-before:page}details:not(.bulk)::details-content{content-visibility:visible;display:block}details.bulk>*:not(summary){display:none}}
)";
}

std::string_view script_text() {
  return R"js(
"use strict";
document.documentElement.classList.add("scripted");
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.localName === "details") at.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
for (const filter of document.querySelectorAll(".filter")) {
  const words = filter.querySelector("input"), status = filter.querySelector("select");
  const controls = [...filter.parentElement.querySelectorAll(".control")];
  const apply = () => {
    const wanted = words.value.trim().toLowerCase();
    for (const one of controls) {
      one.hidden = (status.value && one.dataset.status !== status.value) || (wanted && !one.textContent.toLowerCase().includes(wanted));
    }
  };
  words.addEventListener("input", apply);
  status.addEventListener("change", apply);
}
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details:not(.bulk)")) one.open = true;
});
)js";
}

}  // namespace cloister::posture::report
