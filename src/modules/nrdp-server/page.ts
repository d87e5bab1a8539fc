/** What a browser sees: a form that submits results by hand. It holds nothing of what was asked for. */
export const page = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>NRDP</title></head>
<body>
<h1>NRDP</h1>
<p>Passive results are taken here, as XML or JSON.</p>
<form method="post" action="">
<input type="hidden" name="cmd" value="submitcheck">
<p><label>Token <input type="password" name="token" autocomplete="off"></label></p>
<p><label>Results as XML <textarea name="XMLDATA" rows="12" cols="80">&lt;?xml version="1.0" encoding="utf-8"?&gt;
&lt;checkresults&gt;
    &lt;checkresult type="service"&gt;
        &lt;hostname&gt;host&lt;/hostname&gt;
        &lt;servicename&gt;service&lt;/servicename&gt;
        &lt;state&gt;0&lt;/state&gt;
        &lt;output&gt;OK: all is well|value=1&lt;/output&gt;
    &lt;/checkresult&gt;
&lt;/checkresults&gt;</textarea></label></p>
<p><button>Submit</button></p>
</form>
</body>
</html>
`;
