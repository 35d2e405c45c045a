package templates
import ("testing";"os";"time";"github.com/postern-mail/postern/connector")
func TestZZ(t *testing.T){
 b,err:=NewBuiltin(); if err!=nil{t.Fatal(err)}
 os.MkdirAll("/tmp/shots",0o755)
 for _,tt:=range connector.TemplateTypes(){
  p:=map[string]any{"code":"482913","link":"https://app.acme.example/invitations/0f3c9a7e5b1d4c2e?token=q7Zx-Lk2mVt9&locale=en","application":map[string]any{"name":"Acme","branding":map[string]any{"logoUrl":"https://logo.example/light.svg","darkLogoUrl":"https://logo.example/dark.svg"}},"organization":map[string]any{"name":"Umbrella Ltd"},"user":map[string]any{"name":"Ann Smith"},"inviter":map[string]any{"name":"Bob Li"}}
  if tt=="SignIn"||tt=="Generic"||tt=="MfaVerification"||tt=="Register" {delete(p,"user")}
  if tt=="Generic" {delete(p,"organization"); p["application"]=map[string]any{"name":"Acme"}}
  o:=Options{Validity:10*time.Minute,Branding:Branding{SenderName:"Acme",CompanyInformation:"Acme Inc., 1 Long Road, Springfield\nRegister no. HRB 12"}}
  if tt=="OrganizationInvitation"{ o.Validity=7*24*time.Hour; delete(p,"user")}
  r,err:=b.Render(tt,p,o)
  if err!=nil{t.Fatal(err)}
  os.WriteFile("/tmp/shots/"+string(tt)+".html",[]byte(r.HTML),0o644)
  r,err=b.Render(tt,map[string]any{"code":"482913","link":p["link"]},Options{})
  if err!=nil{t.Fatal(err)}
  os.WriteFile("/tmp/shots/"+string(tt)+"-min.html",[]byte(r.HTML),0o644)
 }
}
